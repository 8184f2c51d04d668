//! The conformance suites: what every implementation of a trait of the platform must do. The platform's own and each
//! adapter's run the same.

mod cache;
mod events;
mod files;
mod live;
mod rate_limit;
pub mod travel;

pub use cache::cache;
pub use events::{Transport, event_source};
pub use files::file_store;
pub use live::live;
pub use rate_limit::rate_limiter;
