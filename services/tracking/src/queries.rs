//! What screens show.

pub mod page;
pub mod page_map;
