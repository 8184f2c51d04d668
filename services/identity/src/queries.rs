//! Read models for lists and screens.

pub mod members;
pub mod organizations;
pub mod pictures;
pub mod second_factor;
