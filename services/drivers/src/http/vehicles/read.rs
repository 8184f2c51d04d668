//! `GET /api/v1/vehicles/{id}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use kernel::ids::VehicleId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::IfNoneMatch;
use platform::http::{Json, Path};

use super::view::VehicleView;
use crate::context::Drivers;
use crate::queries::vehicles as read;

/// Reads a vehicle.
#[utoipa::path(
    get, path = "/api/v1/vehicles/{id}", operation_id = "get_vehicle", tag = "vehicles",
    params(("id" = String, Path, description = "The vehicle.", pattern = "^vehicle_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "vehicle_01h455vb4pex5vsknk084sn02q"),
           ("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The vehicle; its version is in `ETag`.", body = VehicleView))
)]
pub(crate) async fn get_vehicle(
    State(drivers): State<Drivers>,
    Path(id): Path<VehicleId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let vehicle = read::one(&drivers, &reader.scope, id).await?;
    Ok(known.respond(vehicle.version, || Json(VehicleView::from(vehicle)).into_response()))
}
