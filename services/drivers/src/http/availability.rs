//! `PUT /api/v1/drivers/{id}/availability`

use axum::extract::State;
use contracts::drivers::Availability;
use garde::Validate;
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::openapi::{Api, type_id};
use platform::idempotency::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::drivers::DriverAvailability;
use super::run;
use crate::commands::availability as command;
use crate::context::Drivers;

pub(super) fn routes(api: Api<Drivers>) -> Api<Drivers> {
    api.routes(routes!(set_driver_availability))
}

/// What a driver says.
#[derive(Debug, Clone, Copy, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "availability": "available", "at": "2026-11-20T12:00:00Z" }))]
pub(crate) struct AvailabilitySaid {
    /// What the driver does from now on.
    #[garde(skip)]
    #[schema(value_type = DriverAvailability)]
    availability: Availability,
    /// When it was said, by the clock of the device: at most 72 hours ago, at most a minute ahead. Now when absent.
    #[garde(skip)]
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Option<Timestamp>,
}

/// What holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AvailabilityView {
    /// Whose.
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// What the driver does.
    #[schema(value_type = DriverAvailability)]
    availability: Availability,
    /// Since when, by the clock of the device.
    #[schema(example = "2026-11-20T12:00:00Z")]
    since: Timestamp,
    /// False when something newer was said before: then nothing has changed.
    #[schema(example = true)]
    taken: bool,
}

/// Says what a driver does now. Drivers say it for themselves, dispatchers for anybody.
///
/// It may be sent late and more than once: what holds already changes nothing, and what was said before something newer is
/// only noted. A driver who does not work here is refused with `driver_inactive`, one whose required document has run out with
/// `document_expired`, unless they go off duty.
#[utoipa::path(
    put, path = "/api/v1/drivers/{id}/availability", operation_id = "set_driver_availability", tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    request_body = AvailabilitySaid,
    responses((status = 200, description = "What holds now; the driver's version is in `ETag`.", body = AvailabilityView))
)]
pub(crate) async fn set_driver_availability(
    State(drivers): State<Drivers>,
    Path(id): Path<DriverId>,
    request: Command<AvailabilitySaid>,
) -> Result<Answer> {
    let (said, principal) = (request.body, request.principal);
    run(&drivers, request.call, move |tx| {
        let principal = principal.clone();
        Box::pin(async move {
            let (driver, taken) = command::say(tx, &principal, id, said.availability, said.at).await?;
            let view = AvailabilityView {
                driver_id: id,
                availability: driver.plain.availability,
                since: driver.plain.availability_since,
                taken,
            };
            Ok(Answer::json(200, &view)?.versioned(driver.version))
        })
    })
    .await
}
