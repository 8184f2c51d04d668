//! `PATCH /api/v1/drivers/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::ids::{DriverId, VehicleId};
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::vault::Private;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::{MAX_SKILLS, check_notes, skills};
use super::view::{DriverHome, DriverView};
use crate::commands::profiles::{self as command, Change};
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::http::{run, text};

/// What changes; what is absent stays. `null` clears name, phone, notes, vehicle and home.
#[derive(Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "skills": ["age_check", "cold_box"], "follows_shifts": true }))]
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) struct DriverChange {
    /// As the driver wants to be called.
    #[garde(inner(inner(length(chars, min = 1, max = 200), pattern(text::LINE))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200,
             pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: Option<Option<String>>,
    /// In E.164.
    #[garde(inner(inner(pattern(text::PHONE))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = r"^\+[1-9][0-9]{6,14}$")]
    phone: Option<Option<String>>,
    /// For owners and managers, who alone may write them.
    #[garde(inner(inner(length(chars, min = 1, max = 2000))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    notes: Option<Option<String>>,
    /// What the driver drives; `null`: on foot.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(schema_with = optional_type_id::<VehicleId>)]
    vehicle_id: Option<Option<VehicleId>>,
    /// What the driver can do or has: lower-case words. It is replaced as a whole.
    #[garde(inner(length(max = MAX_SKILLS), inner(pattern(text::SKILL))))]
    #[serde(deserialize_with = "present")]
    #[schema(schema_with = skills)]
    skills: Option<Vec<String>>,
    /// Where the day begins.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<DriverHome>)]
    home: Option<Option<Position>>,
    /// Whether the driver works here. Who does not is off duty.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    active: Option<bool>,
    /// Whether the driver is asked only during shifts.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    follows_shifts: Option<bool>,
}

impl DriverChange {
    fn change(self) -> Change {
        let private = |text: Option<String>| -> Option<Private> { text.as_deref().map(text::private) };
        Change {
            name: self.name.map(private),
            phone: self.phone.map(private),
            notes: self.notes.map(private),
            vehicle_id: self.vehicle_id,
            skills: self.skills.map(|skills| skills.into_iter().collect()),
            home: self.home,
            active: self.active,
            follows_shifts: self.follows_shifts,
        }
    }
}

/// Changes a driver, if the caller has seen the present version.
#[utoipa::path(
    patch, path = "/api/v1/drivers/{id}", operation_id = "update_driver", tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = DriverChange,
    responses((status = 200, description = "As the driver is now.", body = DriverView))
)]
pub(crate) async fn update_driver(
    State(drivers): State<Drivers>,
    Path(id): Path<DriverId>,
    seen: IfMatch,
    request: Command<DriverChange>,
) -> Result<Answer> {
    let role = request.principal.role;
    check_notes(role, request.body.notes.is_some())?;
    let (change, context) = (request.body.change(), drivers.clone());
    run(&drivers, request.call, move |tx| {
        let (change, context, seen) = (change.clone(), context.clone(), seen.clone());
        Box::pin(async move {
            let seen = |version| seen.check(version);
            let driver = command::update(tx, context.vault(), id, seen, change).await?;
            let version = driver.version;
            Ok(Answer::json(200, &DriverView::new(driver, day(tx.now()), role))?.versioned(version))
        })
    })
    .await
}
