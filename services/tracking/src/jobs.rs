//! What tracking does in the background.

pub mod follow_driver;
pub mod keep_positions;
pub mod learn;
pub mod learn_doors;
pub mod learn_eta;
pub mod report_arrival;
pub mod watch_silence;
