//! Asked of tracking, the owner of positions.

use kernel::ids::DriverId;
use serde::{Deserialize, Serialize};

use super::Call;
use crate::tracking::DriverLocation;

/// Asks where drivers were last seen. Who was not seen is not in the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastPositions {
    /// Which drivers; empty: all that are known.
    pub driver_ids: Vec<DriverId>,
}

/// Where drivers were last seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Positions {
    /// One for each driver.
    pub positions: Vec<DriverLocation>,
}

impl Call for LastPositions {
    const SERVICE: &'static str = "tracking";
    const PATH: &'static str = "/internal/tracking/positions";
    type Answer = Positions;
}
