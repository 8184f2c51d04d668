//! What tracking does, one use case per file.

pub mod batch;
pub mod devices;
pub mod doors;
pub mod follow;
pub mod learn;
pub mod notices;
pub mod order_events;
pub mod ratings;
pub mod report;
pub mod settings;
pub mod silence;
