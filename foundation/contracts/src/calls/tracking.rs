//! Asked of tracking, the owner of positions.

use kernel::ids::{DriverId, OrderId, OrgId};
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

/// Asks whose the page behind a public code is. Answered with 404 when there is none, or none any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackedOrder {
    /// The code in the page's address, upper case.
    pub code: String,
}

/// The order behind a public code or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicOrder {
    /// Whose.
    pub org_id: OrgId,
    /// Which.
    pub order_id: OrderId,
}

impl Call for TrackedOrder {
    const SERVICE: &'static str = "tracking";
    const PATH: &'static str = "/internal/tracking/order-of-code";
    type Answer = PublicOrder;
}
