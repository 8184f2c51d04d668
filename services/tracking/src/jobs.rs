//! What tracking does in the background.

pub mod follow_driver;
pub mod keep_positions;
pub mod report_arrival;
pub mod train_eta;
pub mod train_org;
pub mod watch_silence;
