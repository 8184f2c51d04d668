//! What tracking does in the background.

pub mod follow_driver;
pub mod keep_positions;
pub mod report_arrival;
pub mod watch_silence;
