//! Events of the drivers service.

use std::collections::BTreeSet;

use kernel::geo::Position;
use kernel::ids::{DriverId, ShiftId, UserId, Uuid, VehicleId};
use kernel::load::Capacity;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use serde::{Deserialize, Serialize};

use crate::Event;

/// What a driver says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Not working.
    OffDuty,
    /// Takes orders.
    Available,
    /// Works, and takes no further orders.
    Busy,
    /// Rests.
    OnBreak,
}

impl Availability {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OffDuty, Self::Available, Self::Busy, Self::OnBreak];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OffDuty => "off_duty",
            Self::Available => "available",
            Self::Busy => "busy",
            Self::OnBreak => "on_break",
        }
    }

    /// The availability of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A vehicle, as far as dispatch cares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleFacts {
    /// The vehicle.
    pub vehicle_id: VehicleId,
    /// How it moves.
    pub profile: Profile,
    /// What it carries.
    pub capacity: Capacity,
}

/// Planned working time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftFacts {
    /// The shift.
    pub shift_id: ShiftId,
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Breaks within it: begin and end.
    pub breaks: Vec<(Timestamp, Timestamp)>,
}

/// What others need to know of a driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverFacts {
    /// The account with which the driver signs in, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Whether the driver works here at all: off for those who left or whose documents have run out.
    pub active: bool,
    /// What the driver drives; `None`: on foot, without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<VehicleFacts>,
    /// What the driver can do or has.
    pub skills: BTreeSet<String>,
    /// Where the driver begins the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<Position>,
    /// Shifts that have not ended, of the next seven days, earliest first. A driver without any works without a plan.
    pub shifts: Vec<ShiftFacts>,
    /// Whether shifts limit when the driver is asked.
    pub follows_shifts: bool,
}

impl DriverFacts {
    /// For documentation and tests.
    pub fn example() -> Self {
        Self {
            user_id: Some(UserId::new(Uuid::from_u128(2))),
            active: true,
            vehicle: Some(VehicleFacts {
                vehicle_id: VehicleId::new(Uuid::from_u128(31)),
                profile: Profile::Bicycle,
                capacity: Capacity { weight_g: Some(15_000), volume_ml: Some(60_000), count: None },
            }),
            skills: BTreeSet::from(["age_check".to_owned()]),
            home: Position::new(60.1699, 24.9384).ok(),
            shifts: Vec::new(),
            follows_shifts: false,
        }
    }
}

/// A driver exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverCreated {
    /// The driver.
    pub driver_id: DriverId,
    /// What is known.
    pub facts: DriverFacts,
}

impl Event for DriverCreated {
    const SUBJECT: &'static str = "driver.created.v1";
    const WHEN: &'static str = "A driver was added, by hand or because somebody joined as one.";
    fn example() -> Self {
        Self { driver_id: DriverId::new(Uuid::from_u128(30)), facts: DriverFacts::example() }
    }
}

/// Something about a driver changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverUpdated {
    /// The driver.
    pub driver_id: DriverId,
    /// Names of the fields that changed.
    pub changed: Vec<String>,
    /// What is known now.
    pub facts: DriverFacts,
}

impl Event for DriverUpdated {
    const SUBJECT: &'static str = "driver.updated.v1";
    const WHEN: &'static str = "A driver's profile, vehicle, skills, shifts or documents changed.";
    fn example() -> Self {
        Self {
            driver_id: DriverId::new(Uuid::from_u128(30)),
            changed: vec!["vehicle".to_owned()],
            facts: DriverFacts::example(),
        }
    }
}

/// A driver says something else now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverAvailabilityChanged {
    /// The driver.
    pub driver_id: DriverId,
    /// Before.
    pub from: Availability,
    /// Now.
    pub to: Availability,
    /// Since when, by the clock of the driver's device.
    pub at: Timestamp,
}

impl Event for DriverAvailabilityChanged {
    const SUBJECT: &'static str = "driver.availability_changed.v1";
    const WHEN: &'static str = "A driver went on or off duty, became busy, or took a break.";
    fn example() -> Self {
        Self {
            driver_id: DriverId::new(Uuid::from_u128(30)),
            from: Availability::OffDuty,
            to: Availability::Available,
            at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A driver takes orders now. Comes with `driver.availability_changed.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverAvailable {
    /// The driver.
    pub driver_id: DriverId,
    /// Since when.
    pub at: Timestamp,
}

impl Event for DriverAvailable {
    const SUBJECT: &'static str = "driver.available.v1";
    const WHEN: &'static str = "A driver became available for orders.";
    fn example() -> Self {
        Self { driver_id: DriverId::new(Uuid::from_u128(30)), at: Timestamp::UNIX_EPOCH }
    }
}
