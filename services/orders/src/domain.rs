//! What orders decides: pure and synchronous.

pub mod import;
pub mod number;
pub mod outcome;
pub mod package;
pub mod preparation;
pub mod proof;
pub mod recurrence;
pub mod sheet;
pub mod status;
pub mod tracking;
