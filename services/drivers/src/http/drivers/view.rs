//! A driver as the API shows them.

use std::collections::BTreeSet;

use contracts::drivers::Availability;
use jiff::civil::Date;
use kernel::geo::Position;
use kernel::ids::{DriverId, UserId, VehicleId};
use kernel::time::Timestamp;
use platform::auth::Role;
use platform::http::openapi::{optional_type_id, type_id};
use platform::vault::Private;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::documents::expired;
use crate::entities::Driver;

/// What a driver says now.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "snake_case", example = "available")]
#[expect(dead_code, reason = "only its schema is used: the values are `contracts::drivers::Availability`")]
pub(crate) enum DriverAvailability {
    /// Not working.
    OffDuty,
    /// Takes orders.
    Available,
    /// Works, and takes no further orders.
    Busy,
    /// Rests.
    OnBreak,
}

/// A place in degrees (WGS 84).
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(example = json!({ "lat": 60.1699, "lon": 24.9384 }))]
#[expect(dead_code, reason = "only its schema is used: the values are `kernel::geo::Position`")]
pub(crate) struct DriverHome {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    lon: f64,
}

/// Whether the documents that a driver needs are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "valid")]
pub(crate) enum DriverDocumentsState {
    /// No document is required.
    None,
    /// All that are required are good.
    Valid,
    /// One that is required has run out: the driver cannot go on duty.
    Expired,
}

/// What customers thought.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct DriverRating {
    /// One to five stars, to two decimals; absent without ratings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 4.75)]
    average: Option<f64>,
    /// How many ratings.
    #[schema(example = 12)]
    count: i64,
}

impl DriverRating {
    fn new(stars: i64, count: i64) -> Self {
        let hundredths =
            (stars * 100).checked_div(count).and_then(|hundredths| i32::try_from(hundredths).ok());
        Self { average: hundredths.map(|hundredths| f64::from(hundredths) / 100.0), count }
    }
}

/// A driver.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DriverView {
    /// Identifier.
    #[schema(schema_with = type_id::<DriverId>)]
    id: DriverId,
    /// The version, as in the `ETag`.
    #[schema(example = 1)]
    version: i64,
    /// The account, if the driver signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<UserId>)]
    user_id: Option<UserId>,
    /// As the driver wants to be called; absent until it is known, and after an erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Grace Hopper")]
    name: Option<String>,
    /// In E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+358401234567")]
    phone: Option<String>,
    /// For owners and managers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Prefers mornings.")]
    notes: Option<String>,
    /// What the driver drives; absent: on foot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<VehicleId>)]
    vehicle_id: Option<VehicleId>,
    /// What the driver can do or has.
    #[schema(value_type = Vec<String>, example = json!(["age_check"]))]
    skills: BTreeSet<String>,
    /// Where the day begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DriverHome>)]
    home: Option<Position>,
    /// Whether the driver works here.
    #[schema(example = true)]
    active: bool,
    /// Whether the driver is asked only during shifts.
    #[schema(example = false)]
    follows_shifts: bool,
    /// What the driver says.
    #[schema(value_type = DriverAvailability)]
    availability: Availability,
    /// Since when, by the clock of the driver's device.
    #[schema(example = "2026-11-20T12:00:00Z")]
    availability_since: Timestamp,
    /// What customers thought.
    rating: DriverRating,
    /// Whether the documents that the driver needs are in order.
    documents: DriverDocumentsState,
    /// When the driver was added.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When something was last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl DriverView {
    /// The driver on this day, as somebody with this role sees them.
    pub fn new(driver: Driver, today: Date, reader: Role) -> Self {
        let text = |text: &Private| text.reveal().to_owned();
        let sees_notes = matches!(reader, Role::Owner | Role::Manager);
        let documents = match (driver.documents_required, expired(driver.documents_until, today)) {
            (_, true) => DriverDocumentsState::Expired,
            (true, false) => DriverDocumentsState::Valid,
            (false, false) => DriverDocumentsState::None,
        };
        let (personal, plain) = (driver.personal, driver.plain);
        Self {
            id: driver.id,
            version: driver.version,
            user_id: driver.user_id,
            name: personal.name.as_ref().map(text),
            phone: personal.phone.as_ref().map(text),
            notes: personal.notes.as_ref().filter(|_| sees_notes).map(text),
            vehicle_id: plain.vehicle_id,
            skills: plain.skills,
            home: plain.home,
            active: plain.active,
            follows_shifts: plain.follows_shifts,
            availability: plain.availability,
            availability_since: plain.availability_since,
            rating: DriverRating::new(driver.stars, driver.ratings),
            documents,
            created_at: driver.created_at,
            updated_at: driver.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_has_two_decimals_and_needs_ratings() {
        assert_eq!(DriverRating::new(0, 0).average, None);
        assert_eq!(DriverRating::new(14, 3).average, Some(4.66));
        assert_eq!(DriverRating::new(5, 1).average, Some(5.0));
    }
}
