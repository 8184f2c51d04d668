//! `GET /api/v1/drivers/me`

use axum::extract::State;
use platform::Result;
use platform::http::Json;
use platform::http::call::Reader;
use platform::http::etag::Versioned;

use super::view::DriverView;
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::queries::drivers as read;

/// Reads the caller's own profile.
#[utoipa::path(
    get, path = "/api/v1/drivers/me", operation_id = "get_my_driver", tag = "drivers",
    responses((status = 200, description = "The profile; its version is in `ETag`.", body = DriverView),
              (status = 404, description = "The caller has no profile (yet)."))
)]
pub(crate) async fn get_my_driver(
    State(drivers): State<Drivers>,
    reader: Reader,
) -> Result<Versioned<Json<DriverView>>> {
    let driver = read::mine(&drivers, &reader.scope, reader.principal.user()?).await?;
    let today = day(drivers.db().clock().now());
    Ok(Versioned(driver.version, Json(DriverView::new(driver, today, reader.principal.role))))
}
