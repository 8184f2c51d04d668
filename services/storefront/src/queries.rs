//! What lists and screens read.

pub mod shops;
pub mod zones;
