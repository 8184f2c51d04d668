//! Events of the orders service: what dispatch, tracking, payments and reports need to know of an order, without anything
//! about people.
//!
//! Every event of an order carries the aggregate's version, so that a read model can tell old from new. One change may
//! publish several (`order.assigned.v1` beside `order.status_changed.v1`), with the same version.

use std::collections::BTreeSet;

use kernel::geo::Position;
use kernel::ids::{CustomerId, DriverId, OrderId, PackageId, ProofId, ShopId, Uuid, ZoneId};
use kernel::load::Load;
use kernel::money::Money;
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Event;

/// The movement of an order; the words of design section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Nobody has it.
    Created,
    /// A driver has it and has not set out.
    Assigned,
    /// On the way to the pick-up.
    EnrouteToPickup,
    /// There.
    ArrivedAtPickup,
    /// Carried.
    PickedUp,
    /// On the way to the drop-off.
    EnrouteToDropoff,
    /// There.
    ArrivedAtDropoff,
    /// Handed over.
    Delivered,
    /// Not delivered. Final before the pick-up; after it a return or another attempt follows.
    Failed,
    /// On the way back.
    Returning,
    /// Back at the pick-up.
    Returned,
    /// Called off before the pick-up.
    Cancelled,
}

impl OrderStatus {
    /// All of them, in the order of a delivery.
    pub const ALL: [Self; 12] = [
        Self::Created,
        Self::Assigned,
        Self::EnrouteToPickup,
        Self::ArrivedAtPickup,
        Self::PickedUp,
        Self::EnrouteToDropoff,
        Self::ArrivedAtDropoff,
        Self::Delivered,
        Self::Failed,
        Self::Returning,
        Self::Returned,
        Self::Cancelled,
    ];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Assigned => "assigned",
            Self::EnrouteToPickup => "enroute_to_pickup",
            Self::ArrivedAtPickup => "arrived_at_pickup",
            Self::PickedUp => "picked_up",
            Self::EnrouteToDropoff => "enroute_to_dropoff",
            Self::ArrivedAtDropoff => "arrived_at_dropoff",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Returning => "returning",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this word. `canceled` is understood as well.
    pub fn parse(word: &str) -> Option<Self> {
        if word == "canceled" {
            return Some(Self::Cancelled);
        }
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the driver has the goods.
    pub const fn is_carried(self) -> bool {
        matches!(self, Self::PickedUp | Self::EnrouteToDropoff | Self::ArrivedAtDropoff | Self::Returning)
    }
}

/// One end of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopFacts {
    /// Where; `None` while the address has no position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Not after; what a customer was promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How long it takes there: parking, stairs, handing over.
    pub service_s: u32,
}

/// What others need to know of an order to move and follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderFacts {
    /// The shop it comes from, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop_id: Option<ShopId>,
    /// What people call it on its day: `A-042`.
    pub number: String,
    /// The code of the customer's page.
    pub tracking_code: String,
    /// Who receives it, if known by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The zone of the drop-off, if it lies in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<ZoneId>,
    /// Where it is picked up.
    pub pickup: StopFacts,
    /// Where it is dropped off.
    pub dropoff: StopFacts,
    /// When the goods are expected to be ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    /// What it takes.
    pub load: Load,
    /// What the driver must be able to do or have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skills: BTreeSet<String>,
    /// Higher goes first; 0 is usual.
    pub priority: i16,
    /// Cash to collect at the door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cash: Option<Money>,
    /// When it was placed.
    pub placed_at: Timestamp,
}

impl OrderFacts {
    /// For documentation and tests.
    pub fn example() -> Self {
        let stop = |lat, lon, until: Option<&str>| StopFacts {
            position: Position::new(lat, lon).ok(),
            from: None,
            until: until.and_then(|text| text.parse().ok()),
            service_s: 120,
        };
        Self {
            shop_id: Some(ShopId::new(Uuid::from_u128(10))),
            number: "A-042".to_owned(),
            tracking_code: "7KQ2M9XTB4HP".to_owned(),
            customer_id: None,
            zone_id: Some(ZoneId::new(Uuid::from_u128(11))),
            pickup: stop(60.1699, 24.9384, None),
            dropoff: stop(60.1841, 24.9501, Some("2026-11-20T12:45:00Z")),
            ready_at: "2026-11-20T12:15:00Z".parse().ok(),
            load: Load { weight_g: 1_200, volume_ml: 9_000, count: 1 },
            skills: BTreeSet::new(),
            priority: 0,
            cash: None,
            placed_at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// An order exists, whatever made it: the API, an import, a recurrence, a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderCreated {
    /// The order.
    pub order_id: OrderId,
    /// What made it: `api`, `import`, `recurrence`, `duplicate`, `package`, `checkout`.
    pub source: String,
    /// What it is.
    pub facts: OrderFacts,
    /// Its packages.
    pub packages: Vec<PackageId>,
}

impl Event for OrderCreated {
    const SUBJECT: &'static str = "order.created.v1";
    const WHEN: &'static str = "An order was created, whatever the path.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            source: "api".to_owned(),
            facts: OrderFacts::example(),
            packages: vec![PackageId::new(Uuid::from_u128(21))],
        }
    }
}

/// A driver has the order: for the first time, instead of another one, or handed over while it is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAssigned {
    /// The order.
    pub order_id: OrderId,
    /// Who has it now.
    pub driver_id: DriverId,
    /// Who had it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<DriverId>,
    /// The movement: `assigned`, or what it was when it was handed over.
    pub status: OrderStatus,
    /// Which attempt of the order.
    pub attempt: u16,
}

impl Event for OrderAssigned {
    const SUBJECT: &'static str = "order.assigned.v1";
    const WHEN: &'static str =
        "A driver was given the order, also at creation, instead of another driver, or by hand-over.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            driver_id: DriverId::new(Uuid::from_u128(30)),
            previous: None,
            status: OrderStatus::Assigned,
            attempt: 1,
        }
    }
}

/// The movement changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderStatusChanged {
    /// The order.
    pub order_id: OrderId,
    /// What it was.
    pub from: OrderStatus,
    /// What it is.
    pub to: OrderStatus,
    /// Who has it after the change; `None` when nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_id: Option<DriverId>,
    /// Which attempt of the order.
    pub attempt: u16,
    /// When it happened, by the clock of the device that reported it; never later than when it was recorded.
    pub at: Timestamp,
    /// Where, if the device said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// How it ended (`delivered_to_recipient`, `failed_not_home` ...), for final states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why it failed (`not_at_home` ...).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Whether it corrects a wrong step instead of being one.
    #[serde(default)]
    pub correction: bool,
}

impl Event for OrderStatusChanged {
    const SUBJECT: &'static str = "order.status_changed.v1";
    const WHEN: &'static str =
        "The movement of an order changed: a step, an unassignment, a new attempt, or a correction.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            from: OrderStatus::EnrouteToPickup,
            to: OrderStatus::PickedUp,
            driver_id: Some(DriverId::new(Uuid::from_u128(30))),
            attempt: 1,
            at: Timestamp::UNIX_EPOCH,
            position: Position::new(60.1699, 24.9384).ok(),
            outcome: None,
            failure_reason: None,
            correction: false,
        }
    }
}

/// Something else about an order changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderUpdated {
    /// The order.
    pub order_id: OrderId,
    /// Names of the fields that changed, never values that are about people.
    pub changed: Vec<String>,
    /// What it is now.
    pub facts: OrderFacts,
}

impl Event for OrderUpdated {
    const SUBJECT: &'static str = "order.updated.v1";
    const WHEN: &'static str = "An order's places, times, load, packages, preparation or texts changed.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            changed: vec!["dropoff".to_owned()],
            facts: OrderFacts::example(),
        }
    }
}

/// An order was called off. `order.status_changed.v1` comes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
    /// What it was.
    pub from: OrderStatus,
    /// Who had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_id: Option<DriverId>,
    /// Why: `customer`, `merchant`, `no_driver`, `duplicate`, `other`.
    pub reason: String,
}

impl Event for OrderCancelled {
    const SUBJECT: &'static str = "order.cancelled.v1";
    const WHEN: &'static str = "An order was called off, before the pick-up or on the way.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            from: OrderStatus::Assigned,
            driver_id: Some(DriverId::new(Uuid::from_u128(30))),
            reason: "customer".to_owned(),
        }
    }
}

/// Proof was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofCaptured {
    /// The order.
    pub order_id: OrderId,
    /// The proof.
    pub proof_id: ProofId,
    /// Where: `pickup`, `dropoff` or `return`.
    pub stop: String,
    /// What was captured: `photo`, `signature`, `pin`, `barcodes`, `notes`, `minimum_age`.
    pub kinds: Vec<String>,
    /// When, by the device's clock.
    pub at: Timestamp,
}

impl Event for ProofCaptured {
    const SUBJECT: &'static str = "proof.captured.v1";
    const WHEN: &'static str = "A driver captured proof of a pick-up, a drop-off or a return.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            proof_id: ProofId::new(Uuid::from_u128(22)),
            stop: "dropoff".to_owned(),
            kinds: vec!["photo".to_owned()],
            at: Timestamp::UNIX_EPOCH,
        }
    }
}
