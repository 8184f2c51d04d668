//! What lists, screens and other services read.

pub mod documents;
pub mod drivers;
pub mod shifts;
pub mod vehicles;
