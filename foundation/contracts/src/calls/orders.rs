//! Asked of orders, the only judge of who has an order and where it stands.
//!
//! A refusal is 409 with `state` (an [`OrderState`]) in the problem document. Calls that change something carry an
//! `Idempotency-Key`; the same key gets the same answer.

use std::fmt;

use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId};
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Call;
use crate::orders::OrderStatus;

/// Gives an order to a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignOrder {
    /// The order.
    pub order_id: OrderId,
    /// Who gets it.
    pub driver_id: DriverId,
    /// Only if this driver has it now; `None`: only if nobody has it.
    pub instead_of: Option<DriverId>,
    /// Only if it is at this attempt.
    pub attempt: u16,
}

/// How it stands after that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The order's version.
    pub version: i64,
}

impl Call for AssignOrder {
    const SERVICE: &'static str = "orders";
    const PATH: &'static str = "/internal/orders/assign";
    type Answer = Assigned;
}

/// Takes an order from a driver who has not picked it up; nobody has it then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnassignOrder {
    /// The order.
    pub order_id: OrderId,
    /// Only if this driver has it.
    pub driver_id: DriverId,
}

impl Call for UnassignOrder {
    const SERVICE: &'static str = "orders";
    const PATH: &'static str = "/internal/orders/unassign";
    type Answer = Assigned;
}

/// A step that was noticed by position: an arrival. Answered with how the order stands when it does not apply (any more).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportStep {
    /// The order.
    pub order_id: OrderId,
    /// Only if this driver has it.
    pub driver_id: DriverId,
    /// `arrived_at_pickup` or `arrived_at_dropoff`.
    pub status: OrderStatus,
    /// By the device's clock.
    pub at: Timestamp,
    /// Where.
    pub position: Position,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReported {
    /// Whether the order moved.
    pub moved: bool,
    /// How it stands.
    pub state: OrderState,
}

impl Call for ReportStep {
    const SERVICE: &'static str = "orders";
    const PATH: &'static str = "/internal/orders/step";
    type Answer = StepReported;
}

/// How an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// The movement.
    pub status: OrderStatus,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_id: Option<DriverId>,
    /// Which attempt.
    pub attempt: u16,
    /// Its version.
    pub version: i64,
}

/// Asks for the PIN that the customer says at the door.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOverPin {
    /// The order.
    pub order_id: OrderId,
}

/// What it is. Not printed by accident: `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPin {
    /// 4 to 6 digits; nothing when none was set, when the order is over, or when its person was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
}

impl fmt::Debug for ShownPin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ShownPin").finish_non_exhaustive()
    }
}

impl Call for HandOverPin {
    const SERVICE: &'static str = "orders";
    const PATH: &'static str = "/internal/orders/hand-over-pin";
    type Answer = ShownPin;
}

/// Asks whose the package with a tracking number is. Answered with 404 when there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageOrder {
    /// The tracking number, upper case.
    pub tracking_number: String,
}

impl Call for PackageOrder {
    const SERVICE: &'static str = "orders";
    const PATH: &'static str = "/internal/orders/order-of-package";
    type Answer = super::PublicOrder;
}
