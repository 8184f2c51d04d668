//! `PATCH /api/v1/vehicles/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::VehicleId;
use kernel::load::Capacity;
use kernel::travel::Profile;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{VehicleCapacity, VehicleType, VehicleView};
use crate::commands::vehicles as command;
use crate::context::Drivers;
use crate::entities::VehicleDetails;
use crate::http::{run, text};

/// What changes; what is absent stays. `null` clears description and plate.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "plate": "ABC-123" }))]
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) struct VehicleChange {
    /// How it moves.
    #[garde(skip)]
    #[serde(rename = "type", deserialize_with = "present")]
    #[schema(value_type = VehicleType, required = false)]
    profile: Option<Profile>,
    /// What it looks like; customers see it.
    #[garde(inner(inner(length(chars, min = 1, max = 200), pattern(text::LINE))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200,
             pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    description: Option<Option<String>>,
    /// Licence plate; customers see it.
    #[garde(inner(inner(length(chars, min = 1, max = 20), pattern(text::LINE))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 20,
             pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    plate: Option<Option<String>>,
    /// What it carries. It is replaced as a whole.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = VehicleCapacity, required = false)]
    capacity: Option<Capacity>,
}

impl VehicleChange {
    fn apply(self, before: &VehicleDetails) -> VehicleDetails {
        let text = |new: Option<Option<String>>, old: &Option<String>| match new {
            Some(new) => new.map(|text| text.trim().to_owned()),
            None => old.clone(),
        };
        VehicleDetails {
            profile: self.profile.unwrap_or(before.profile),
            description: text(self.description, &before.description),
            plate: text(self.plate, &before.plate),
            capacity: self.capacity.unwrap_or(before.capacity),
        }
    }
}

/// Changes a vehicle, if the caller has seen its present version.
#[utoipa::path(
    patch, path = "/api/v1/vehicles/{id}", operation_id = "update_vehicle", tag = "vehicles",
    params(("id" = String, Path, description = "The vehicle.", pattern = "^vehicle_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "vehicle_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = VehicleChange,
    responses((status = 200, description = "As it is now.", body = VehicleView))
)]
pub(crate) async fn update_vehicle(
    State(drivers): State<Drivers>,
    Path(id): Path<VehicleId>,
    seen: IfMatch,
    request: Command<VehicleChange>,
) -> Result<Answer> {
    let body = request.body;
    run(&drivers, request.call, move |tx| {
        let (change, seen) = (body.clone(), seen.clone());
        Box::pin(async move {
            let seen = |version| seen.check(version);
            let vehicle = command::update(tx, id, seen, |before| change.apply(before)).await?;
            let version = vehicle.version;
            Ok(Answer::json(200, &VehicleView::from(vehicle))?.versioned(version))
        })
    })
    .await
}
