//! Events of the dispatch service.

use kernel::ids::{DecisionId, DriverId, OfferId, OrderId, RouteId, StopId, Uuid};
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Event;

/// A strategy decided who should have an order; `order.assigned.v1` follows when orders agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentProposed {
    /// The order.
    pub order_id: OrderId,
    /// The driver.
    pub driver_id: DriverId,
    /// The decision, with its reasons.
    pub decision_id: DecisionId,
    /// `nearest`, `broadcast`, `manual`.
    pub strategy: String,
}

impl Event for AssignmentProposed {
    const SUBJECT: &'static str = "dispatch.assignment_proposed.v1";
    const WHEN: &'static str = "A dispatch strategy decided who should have an order.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            driver_id: DriverId::new(Uuid::from_u128(30)),
            decision_id: DecisionId::new(Uuid::from_u128(40)),
            strategy: "nearest".to_owned(),
        }
    }
}

/// A driver was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferMade {
    /// The offer.
    pub offer_id: OfferId,
    /// What is offered.
    pub order_id: OrderId,
    /// Who is asked.
    pub driver_id: DriverId,
    /// Until when the driver may accept.
    pub expires_at: Timestamp,
}

impl Event for OfferMade {
    const SUBJECT: &'static str = "dispatch.offer_made.v1";
    const WHEN: &'static str = "A driver was asked whether they take an order.";
    fn example() -> Self {
        Self {
            offer_id: OfferId::new(Uuid::from_u128(41)),
            order_id: OrderId::new(Uuid::from_u128(20)),
            driver_id: DriverId::new(Uuid::from_u128(30)),
            expires_at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A driver said no, or nothing in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferDeclined {
    /// The offer.
    pub offer_id: OfferId,
    /// What was offered.
    pub order_id: OrderId,
    /// Who was asked.
    pub driver_id: DriverId,
    /// `too_far`, `too_heavy`, `end_of_shift`, `vehicle`, `other`; `None` when the driver did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the time ran out without an answer.
    pub expired: bool,
}

impl Event for OfferDeclined {
    const SUBJECT: &'static str = "dispatch.offer_declined.v1";
    const WHEN: &'static str = "A driver declined an offer, or did not answer in time.";
    fn example() -> Self {
        Self {
            offer_id: OfferId::new(Uuid::from_u128(41)),
            order_id: OrderId::new(Uuid::from_u128(20)),
            driver_id: DriverId::new(Uuid::from_u128(30)),
            reason: Some("too_far".to_owned()),
            expired: false,
        }
    }
}

/// One stop of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteStop {
    /// The stop.
    pub stop_id: StopId,
    /// Of which order.
    pub order_id: OrderId,
    /// `pickup`, `dropoff` or `return`.
    pub kind: String,
    /// Whether it keeps its place.
    pub locked: bool,
}

/// A driver's route changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteChanged {
    /// The route.
    pub route_id: RouteId,
    /// Whose.
    pub driver_id: DriverId,
    /// What is still to do, in this order.
    pub stops: Vec<RouteStop>,
}

impl Event for RouteChanged {
    const SUBJECT: &'static str = "route.changed.v1";
    const WHEN: &'static str = "The stops that a driver still has to make, or their order, changed.";
    fn example() -> Self {
        Self {
            route_id: RouteId::new(Uuid::from_u128(42)),
            driver_id: DriverId::new(Uuid::from_u128(30)),
            stops: vec![RouteStop {
                stop_id: StopId::new(Uuid::from_u128(43)),
                order_id: OrderId::new(Uuid::from_u128(20)),
                kind: "pickup".to_owned(),
                locked: false,
            }],
        }
    }
}
