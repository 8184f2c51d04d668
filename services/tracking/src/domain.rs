//! What tracking decides: pure, without a clock, a database or a network.

pub mod accuracy;
pub mod delivery;
pub mod doors;
pub mod eta;
pub mod fix;
pub mod geofence;
pub mod history;
pub mod learned;
pub mod page;
pub mod protocols;
pub mod secret;
pub mod setup;
pub mod timeline;
pub mod way;
