//! What orders does when it hears events.

pub mod shops;
pub mod summaries;
pub mod zones;
