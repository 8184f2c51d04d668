//! Everything that a strategy sees: one moment of one organisation. It is stored with each decision, so that the decision
//! can be made again.

use std::collections::{BTreeMap, BTreeSet};

use contracts::drivers::{Availability, DriverFacts};
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId};
use kernel::load::Load;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Profile};
use serde::{Deserialize, Serialize};

use super::policy::Policy;

/// An order that nobody has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// The order.
    pub order_id: OrderId,
    /// Which attempt.
    pub attempt: u16,
    /// Where it is picked up; `None`: nobody can be near it.
    pub pickup: Option<Position>,
    /// What it takes.
    pub load: Load,
    /// What the driver must be able to do.
    pub skills: BTreeSet<String>,
    /// Who delivers in its zone; empty: everybody.
    pub pool: Vec<DriverId>,
    /// Higher goes first.
    pub priority: i16,
    /// Until when it should be delivered.
    pub until: Option<Timestamp>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Who declined it or did not answer.
    pub refused: BTreeSet<DriverId>,
    /// How many rounds of asking there were.
    pub round: u16,
}

/// A driver who may be asked, or the reason why not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverNow {
    /// The driver.
    pub driver_id: DriverId,
    /// What is known.
    pub facts: DriverFacts,
    /// What the driver says.
    pub availability: Availability,
    /// Where the driver is, or begins.
    pub position: Option<Position>,
    /// Orders that the driver has or is being asked about.
    pub orders: u16,
    /// What they take together.
    pub carried: Load,
    /// Where the driver will be after them, and in how many seconds.
    pub free: Option<(Position, u32)>,
}

impl DriverNow {
    /// From where the next pick-up is reached, and after how many seconds.
    pub fn start(&self) -> Option<(Position, u32)> {
        self.free.or_else(|| self.position.map(|position| (position, 0)))
    }

    /// How the driver moves.
    pub fn profile(&self) -> Profile {
        self.facts.vehicle.as_ref().map_or(Profile::Foot, |vehicle| vehicle.profile)
    }
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When.
    pub at: Timestamp,
    /// What the organisation wants.
    pub policy: Policy,
    /// What is open, in no particular order.
    pub orders: Vec<OpenOrder>,
    /// Who works here.
    pub drivers: Vec<DriverNow>,
    /// Ways from where a driver will be free to where an order is picked up.
    #[serde(with = "ways")]
    pub ways: BTreeMap<(DriverId, OrderId), Leg>,
    /// Where the ways come from.
    pub source: String,
}

impl Snapshot {
    /// What a decision about these orders depended on, without the rest.
    pub fn about(&self, orders: &BTreeSet<OrderId>) -> Self {
        let mut part = self.clone();
        part.orders.retain(|order| orders.contains(&order.order_id));
        part.ways.retain(|(_, order), _| orders.contains(order));
        part
    }
}

/// Pairs cannot be keys of a JSON object.
mod ways {
    use super::{BTreeMap, Deserialize, DriverId, Leg, OrderId, Serialize};
    use serde::{Deserializer, Serializer};

    type Ways = BTreeMap<(DriverId, OrderId), Leg>;

    pub(super) fn serialize<S: Serializer>(ways: &Ways, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<(DriverId, OrderId, Leg)> =
            ways.iter().map(|((driver, order), leg)| (*driver, *order, *leg)).collect();
        rows.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ways, D::Error> {
        let rows = Vec::<(DriverId, OrderId, Leg)>::deserialize(deserializer)?;
        Ok(rows.into_iter().map(|(driver, order, leg)| ((driver, order), leg)).collect())
    }
}
