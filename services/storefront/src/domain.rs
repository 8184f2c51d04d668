//! Rules without I/O: opening hours, what makes a shop, which zone counts, when a delivery arrives.

pub mod country;
pub mod eta;
pub mod hours;
pub mod shop;
pub mod zone;
