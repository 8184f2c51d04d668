//! What screens show.

pub mod page;
