//! `POST /api/v1/drivers`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::ids::VehicleId;
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{DriverHome, DriverView};
use crate::commands::profiles::{self as command, Change};
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::http::{run, text};

/// The most skills of a driver.
pub(super) const MAX_SKILLS: usize = 20;

/// A new driver without an account. Drivers with one come by themselves when they join the organisation.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Grace Hopper", "phone": "+358401234567", "skills": ["age_check"] }))]
pub(crate) struct NewDriver {
    /// As the driver wants to be called.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: Option<String>,
    /// In E.164.
    #[garde(inner(pattern(text::PHONE)))]
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$")]
    phone: Option<String>,
    /// For owners and managers, who alone may write them.
    #[garde(inner(length(chars, min = 1, max = 2000)))]
    #[schema(min_length = 1, max_length = 2000)]
    notes: Option<String>,
    /// What the driver drives; absent: on foot.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<VehicleId>)]
    vehicle_id: Option<VehicleId>,
    /// What the driver can do or has: lower-case words.
    #[garde(length(max = MAX_SKILLS), inner(pattern(text::SKILL)))]
    #[serde(default)]
    #[schema(max_items = 20, schema_with = skills)]
    skills: Vec<String>,
    /// Where the day begins.
    #[garde(skip)]
    #[schema(value_type = Option<DriverHome>)]
    home: Option<Position>,
    /// Whether the driver is asked only during shifts.
    #[garde(skip)]
    #[serde(default)]
    #[schema(default = false)]
    follows_shifts: bool,
}

/// The schema of skills.
pub(super) fn skills() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let skill = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[a-z0-9_]{1,32}$"))
        .examples([serde_json::json!("age_check")])
        .build();
    ArrayBuilder::new().items(skill).max_items(Some(MAX_SKILLS)).build()
}

/// Only those who may read notes may write them.
pub(super) fn check_notes(role: platform::auth::Role, written: bool) -> Result<()> {
    let may = matches!(role, platform::auth::Role::Owner | platform::auth::Role::Manager);
    if written && !may { Err(Error::forbidden()) } else { Ok(()) }
}

impl NewDriver {
    fn change(self) -> Change {
        Change {
            name: Some(self.name.as_deref().map(text::private)),
            phone: Some(self.phone.as_deref().map(text::private)),
            notes: Some(self.notes.as_deref().map(text::private)),
            vehicle_id: Some(self.vehicle_id),
            skills: Some(self.skills.into_iter().collect()),
            home: Some(self.home),
            active: None,
            follows_shifts: Some(self.follows_shifts),
        }
    }
}

/// Adds a driver without an account.
#[utoipa::path(
    post, path = "/api/v1/drivers", operation_id = "create_driver", tag = "drivers", request_body = NewDriver,
    responses((status = 201, description = "Added, off duty.", body = DriverView))
)]
pub(crate) async fn create_driver(
    State(drivers): State<Drivers>,
    request: Command<NewDriver>,
) -> Result<Answer> {
    let role = request.principal.role;
    check_notes(role, request.body.notes.is_some())?;
    let (change, context) = (request.body.change(), drivers.clone());
    run(&drivers, request.call, move |tx| {
        let (change, context) = (change.clone(), context.clone());
        Box::pin(async move {
            let driver = command::create(tx, context.vault(), change).await?;
            let (id, version) = (driver.id, driver.version);
            let answer = Answer::json(201, &DriverView::new(driver, day(tx.now()), role))?;
            Ok(answer.with_header("location", format!("/api/v1/drivers/{id}")).versioned(version))
        })
    })
    .await
}
