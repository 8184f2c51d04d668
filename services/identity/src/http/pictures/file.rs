//! `GET /api/v1/files/identity/{token}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use platform::Result;
use platform::http::Path;

use crate::context::Identity;

/// Reads a picture through a link that was given out. It asks for no credential: the link is one.
#[utoipa::path(
    get, path = "/api/v1/files/identity/{token}", operation_id = "get_identity_file", tag = "files",
    params(("token" = String, Path, description = "From the link.", pattern = "^[A-Za-z0-9_-]{75}$",
            example = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    responses((status = 200, description = "The picture. It never changes under its link.",
               content(("image/jpeg"), ("image/png"))))
)]
pub(crate) async fn get_identity_file(
    State(identity): State<Identity>,
    Path(token): Path<String>,
) -> Result<Response> {
    Ok(identity.files().fetch(identity.db(), &token).await?.into_response())
}
