//! Events of the tracking service. Positions themselves are not among them: they travel in the ephemeral lane (design
//! section 4), as [`DriverLocation`].

use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId, UpdateId, Uuid};
use kernel::time::Timestamp;
use kernel::travel::Factors;
use serde::{Deserialize, Serialize};

use crate::Event;

/// Where a driver is: the value of the live topic [`DriverLocation::TOPIC`], by the driver's id. Never in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverLocation {
    /// The driver.
    pub driver_id: DriverId,
    /// Where.
    pub position: Position,
    /// By the device's clock.
    pub device_at: Timestamp,
    /// When it arrived here.
    pub server_at: Timestamp,
    /// Radius in metres within which the device believes itself to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<f32>,
    /// Metres per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_m_s: Option<f32>,
    /// Degrees clockwise from north.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heading_deg: Option<f32>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery: Option<f32>,
}

impl DriverLocation {
    /// The topic in the live store.
    pub const TOPIC: &'static str = "driver_location";
}

/// A row was added to the timeline of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryUpdated {
    /// The order.
    pub order_id: OrderId,
    /// The row.
    pub update_id: UpdateId,
    /// What happened: a status, `arriving`, `delayed`, `proof`, `rated`, `confirmed`, `handed_over`, `corrected`.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
}

impl Event for DeliveryUpdated {
    const SUBJECT: &'static str = "delivery.updated.v1";
    const WHEN: &'static str = "The timeline of a delivery has a new row.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            update_id: UpdateId::new(Uuid::from_u128(50)),
            kind: "picked_up".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// When something is expected: a window that holds with the stated probability, never a lone point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EtaWindow {
    /// Begin of the window.
    pub earliest: Timestamp,
    /// The best single guess.
    pub expected: Timestamp,
    /// End of the window.
    pub latest: Timestamp,
    /// How often such windows hold, 0 to 1.
    pub probability: f32,
    /// Where the travel times come from: `straight_line`, `roads` ...
    pub source: String,
}

impl EtaWindow {
    /// For documentation and tests.
    pub fn example() -> Self {
        let at = |text: &str| text.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            earliest: at("2026-11-20T12:28:00Z"),
            expected: at("2026-11-20T12:33:00Z"),
            latest: at("2026-11-20T12:41:00Z"),
            probability: 0.8,
            source: "straight_line".to_owned(),
        }
    }
}

/// A customer should expect the delivery at another time than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryEtaChanged {
    /// The order.
    pub order_id: OrderId,
    /// The drop-off.
    pub eta: EtaWindow,
}

impl Event for DeliveryEtaChanged {
    const SUBJECT: &'static str = "delivery.eta_changed.v1";
    const WHEN: &'static str =
        "The expected time of a drop-off became known, or moved by more than two minutes.";
    fn example() -> Self {
        Self { order_id: OrderId::new(Uuid::from_u128(20)), eta: EtaWindow::example() }
    }
}

/// The courier is nearly there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryArriving {
    /// The order.
    pub order_id: OrderId,
    /// Who comes.
    pub driver_id: DriverId,
    /// Straight line to the door, metres.
    pub distance_m: u32,
}

impl Event for DeliveryArriving {
    const SUBJECT: &'static str = "delivery.arriving.v1";
    const WHEN: &'static str = "The courier has come near the drop-off; once for each attempt.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            driver_id: DriverId::new(Uuid::from_u128(30)),
            distance_m: 140,
        }
    }
}

/// The delivery will be later than was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDelayed {
    /// The order.
    pub order_id: OrderId,
    /// What was promised.
    pub promised_until: Timestamp,
    /// What is expected.
    pub expected: Timestamp,
}

impl Event for DeliveryDelayed {
    const SUBJECT: &'static str = "delivery.delayed.v1";
    const WHEN: &'static str =
        "A delivery is expected later than its window allows; once until the window changes.";
    fn example() -> Self {
        Self {
            order_id: OrderId::new(Uuid::from_u128(20)),
            promised_until: Timestamp::UNIX_EPOCH,
            expected: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A driver who should be moving has not been heard of for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverLocationStale {
    /// The driver.
    pub driver_id: DriverId,
    /// The last position's time.
    pub since: Timestamp,
}

impl Event for DriverLocationStale {
    const SUBJECT: &'static str = "driver.location_stale.v1";
    const WHEN: &'static str =
        "A driver with an order on the way has not reported a position for three minutes.";
    fn example() -> Self {
        Self { driver_id: DriverId::new(Uuid::from_u128(30)), since: Timestamp::UNIX_EPOCH }
    }
}

/// An organisation has learned how long its ways really take; about no order and nobody. The key is the organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TravelLearned {
    /// What sources of travel times are off by. They take the place of all that were known.
    pub factors: Factors,
}

impl Event for TravelLearned {
    const SUBJECT: &'static str = "travel.learned.v1";
    const WHEN: &'static str =
        "At night it was learned from finished deliveries how long ways really take at each hour.";
    fn example() -> Self {
        let hours = (0..24).map(|hour| if (16..19).contains(&hour) { 1.25 } else { 1.0 }).collect();
        let factors = Factors {
            time_zone: "Europe/Helsinki".to_owned(),
            by_source: [(Factors::key("roads", kernel::travel::Profile::Car), hours)].into(),
        };
        Self { factors }
    }
}
