//! `POST /api/v1/vehicles`

use axum::extract::State;
use garde::Validate;
use kernel::load::Capacity;
use kernel::travel::Profile;
use platform::Result;
use platform::http::call::Command;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{VehicleCapacity, VehicleType, VehicleView};
use crate::commands::vehicles as command;
use crate::context::Drivers;
use crate::entities::VehicleDetails;
use crate::http::text;

/// A new vehicle.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "type": "cargo_bike", "description": "red cargo bike",
                           "capacity": { "weight_g": 80_000, "volume_ml": 300_000 } }))]
pub(crate) struct NewVehicle {
    /// How it moves.
    #[garde(skip)]
    #[serde(rename = "type")]
    #[schema(value_type = VehicleType)]
    profile: Profile,
    /// What it looks like; customers see it.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    description: Option<String>,
    /// Licence plate; customers see it.
    #[garde(inner(length(chars, min = 1, max = 20), pattern(text::LINE)))]
    #[schema(min_length = 1, max_length = 20, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    plate: Option<String>,
    /// What it carries; a measure that is absent does not limit.
    #[garde(skip)]
    #[serde(default)]
    #[schema(value_type = VehicleCapacity, required = false)]
    capacity: Capacity,
}

/// Adds a vehicle to the caller's organisation.
#[utoipa::path(
    post, path = "/api/v1/vehicles", operation_id = "create_vehicle", tag = "vehicles", request_body = NewVehicle,
    responses((status = 201, description = "Added.", body = VehicleView))
)]
pub(crate) async fn create_vehicle(
    State(drivers): State<Drivers>,
    request: Command<NewVehicle>,
) -> Result<Answer> {
    let body = request.body;
    let trimmed = |text: String| text.trim().to_owned();
    let details = VehicleDetails {
        profile: body.profile,
        description: body.description.map(trimmed),
        plate: body.plate.map(trimmed),
        capacity: body.capacity,
    };
    request
        .call
        .run(drivers.db(), move |tx| {
            let details = details.clone();
            Box::pin(async move {
                let vehicle = command::create(tx, details).await?;
                let (id, version) = (vehicle.id, vehicle.version);
                let answer = Answer::json(201, &VehicleView::from(vehicle))?;
                Ok(answer.with_header("location", format!("/api/v1/vehicles/{id}")).versioned(version))
            })
        })
        .await
}
