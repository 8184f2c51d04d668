//! How tasks start, wait and stop.

mod wait;

pub use wait::{Waited, pause, wait};
