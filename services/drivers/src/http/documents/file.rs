//! `GET /api/v1/files/drivers/{token}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use platform::Result;
use platform::http::Path;

use crate::context::Drivers;

/// Reads a photo through a link that was given out. It asks for no credential: the link is one.
#[utoipa::path(
    get, path = "/api/v1/files/drivers/{token}", operation_id = "get_drivers_file", tag = "files",
    params(("token" = String, Path, description = "From the link.", pattern = "^[A-Za-z0-9_-]{75}$",
            example = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    responses((status = 200, description = "The photo. It never changes under its link.",
               content(("image/jpeg"), ("image/png"))))
)]
pub(crate) async fn get_drivers_file(
    State(drivers): State<Drivers>,
    Path(token): Path<String>,
) -> Result<Response> {
    Ok(drivers.files().fetch(drivers.db(), &token).await?.into_response())
}
