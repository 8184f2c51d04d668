//! `GET /api/v1/drivers/{id}`

use axum::extract::State;
use kernel::ids::DriverId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::Versioned;
use platform::http::{Json, Path};

use super::view::DriverView;
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::queries::drivers as read;

/// Reads a driver. To drivers, others are not there. Documents run out without a new version, so there is no 304.
#[utoipa::path(
    get, path = "/api/v1/drivers/{id}", operation_id = "get_driver", tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "The driver; the version is in `ETag`.", body = DriverView))
)]
pub(crate) async fn get_driver(
    State(drivers): State<Drivers>,
    Path(id): Path<DriverId>,
    reader: Reader,
) -> Result<Versioned<Json<DriverView>>> {
    let driver = read::one(&drivers, &reader.principal, &reader.scope, id).await?;
    let today = day(drivers.db().clock().now());
    Ok(Versioned(driver.version, Json(DriverView::new(driver, today, reader.principal.role))))
}
