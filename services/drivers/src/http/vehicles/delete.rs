//! `DELETE /api/v1/vehicles/{id}`

use axum::extract::State;
use kernel::ids::VehicleId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Action;
use platform::idempotency::Answer;

use crate::commands::vehicles as command;
use crate::context::Drivers;

/// Removes a vehicle. One that somebody drives is refused with `vehicle_in_use` and the `driver_id`.
#[utoipa::path(
    delete, path = "/api/v1/vehicles/{id}", operation_id = "delete_vehicle", tag = "vehicles",
    params(("id" = String, Path, description = "The vehicle.", pattern = "^vehicle_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "vehicle_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is not there any more."))
)]
pub(crate) async fn delete_vehicle(
    State(drivers): State<Drivers>,
    Path(id): Path<VehicleId>,
    request: Action,
) -> Result<Answer> {
    request
        .call
        .run(drivers.db(), move |tx| {
            Box::pin(async move {
                command::delete(tx, id).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
