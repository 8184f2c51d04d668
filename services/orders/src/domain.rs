//! What orders decides: pure and synchronous.

pub mod number;
pub mod outcome;
pub mod package;
pub mod preparation;
pub mod proof;
pub mod status;
pub mod tracking;
