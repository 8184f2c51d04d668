//! Rules without I/O: availability, shifts, documents, skills.

pub mod availability;
pub mod documents;
pub mod shift;
