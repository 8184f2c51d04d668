//! The things of drivers as commands and queries see them.

use std::collections::BTreeSet;

use contracts::drivers::{Availability, ShiftFacts, VehicleFacts};
use jiff::civil::Date;
use kernel::geo::Position;
use kernel::ids::{DocumentId, DriverId, FileId, ShiftId, UserId, VehicleId};
use kernel::load::Capacity;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use platform::vault::Private;
use serde::{Deserialize, Serialize};

/// What is known of a driver beside what is personal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plain {
    /// What the driver drives; `None`: on foot.
    pub vehicle_id: Option<VehicleId>,
    /// What the driver can do or has.
    pub skills: BTreeSet<String>,
    /// Where the day begins.
    pub home: Option<Position>,
    /// Whether the driver works here.
    pub active: bool,
    /// Whether the driver is asked only during shifts.
    pub follows_shifts: bool,
    /// Whether the driver was taken off duty because a required document ran out.
    pub documents_lapsed: bool,
    /// What the driver says.
    pub availability: Availability,
    /// Since when, by the device's clock.
    pub availability_since: Timestamp,
    /// The newest device time that was heard.
    pub tapped_at: Timestamp,
}

impl Plain {
    /// What a driver begins with, off duty.
    pub fn new(now: Timestamp) -> Self {
        Self {
            vehicle_id: None,
            skills: BTreeSet::new(),
            home: None,
            active: true,
            follows_shifts: false,
            documents_lapsed: false,
            availability: Availability::OffDuty,
            availability_since: now,
            tapped_at: now,
        }
    }

    /// Off duty from now on, whatever the device said.
    pub fn off_duty(&mut self, now: Timestamp) {
        self.tapped_at = self.tapped_at.max(now);
        if self.availability != Availability::OffDuty {
            self.availability = Availability::OffDuty;
            self.availability_since = now;
        }
    }
}

/// What is personal about a driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Personal {
    /// As the driver wants to be called; `None` until identity has told it, and after an erasure.
    pub name: Option<Private>,
    /// E.164.
    pub phone: Option<Private>,
    /// What managers wrote.
    pub notes: Option<Private>,
}

/// A driver.
#[derive(Debug, Clone)]
pub struct Driver {
    /// Identifier.
    pub id: DriverId,
    /// Version, for ETags and events.
    pub version: i64,
    /// The account, if the driver signs in.
    pub user_id: Option<UserId>,
    /// Name, number, notes.
    pub personal: Personal,
    /// The rest.
    pub plain: Plain,
    /// The last day of the required document that ends first; `None`: none ends.
    pub documents_until: Option<Date>,
    /// Whether any document is required.
    pub documents_required: bool,
    /// The sum of all ratings.
    pub stars: i64,
    /// How many there are.
    pub ratings: i64,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

/// What people state about a vehicle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VehicleDetails {
    /// How it moves.
    pub profile: Profile,
    /// What it looks like.
    pub description: Option<String>,
    /// Licence plate.
    pub plate: Option<String>,
    /// What it carries.
    pub capacity: Capacity,
}

/// A vehicle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vehicle {
    /// Identifier.
    pub id: VehicleId,
    /// Version, for ETags.
    pub version: i64,
    /// What it is.
    pub details: VehicleDetails,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

impl Vehicle {
    /// What dispatch needs to know.
    pub fn facts(&self) -> VehicleFacts {
        VehicleFacts { vehicle_id: self.id, profile: self.details.profile, capacity: self.details.capacity }
    }
}

/// What people state about a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShiftDetails {
    /// Whose.
    pub driver_id: DriverId,
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Within it, earliest first.
    pub breaks: Vec<(Timestamp, Timestamp)>,
}

/// Planned working time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shift {
    /// Identifier.
    pub id: ShiftId,
    /// Version, for ETags.
    pub version: i64,
    /// What it is.
    pub details: ShiftDetails,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

impl Shift {
    /// What dispatch needs to know.
    pub fn facts(self) -> ShiftFacts {
        let ShiftDetails { from, until, breaks, .. } = self.details;
        ShiftFacts { shift_id: self.id, from, until, breaks }
    }
}

/// What people state about a document, beside its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DocumentDetails {
    /// What it is.
    pub kind: crate::domain::documents::DocumentKind,
    /// The last day on which it is good; `None`: for ever.
    pub expires_on: Option<Date>,
    /// Whether the driver needs it to work.
    pub required: bool,
}

/// A document of a driver.
#[derive(Debug, Clone)]
pub struct Document {
    /// Identifier.
    pub id: DocumentId,
    /// Whose.
    pub driver_id: DriverId,
    /// Version, for ETags.
    pub version: i64,
    /// What it is.
    pub details: DocumentDetails,
    /// Its number; `None` where nobody stated one, and after an erasure.
    pub number: Option<Private>,
    /// A picture of it.
    pub photo: Option<FileId>,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn off_duty_counts_from_the_change_and_never_goes_back_in_time() {
        let mut plain = Plain::new(at("2026-11-20T12:00:00Z"));
        plain.off_duty(at("2026-11-20T13:00:00Z"));
        assert_eq!(plain.availability_since, at("2026-11-20T12:00:00Z"), "was off duty already");
        assert_eq!(plain.tapped_at, at("2026-11-20T13:00:00Z"));
        plain.availability = Availability::Busy;
        plain.off_duty(at("2026-11-20T14:00:00Z"));
        assert_eq!(plain.availability, Availability::OffDuty);
        assert_eq!(plain.availability_since, at("2026-11-20T14:00:00Z"));
        plain.off_duty(at("2026-11-20T11:00:00Z"));
        assert_eq!(plain.tapped_at, at("2026-11-20T14:00:00Z"));
    }
}
