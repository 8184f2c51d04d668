//! `GET /api/v1/users/{id}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use kernel::ids::UserId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::{IfNoneMatch, Versioned};
use platform::http::{Json, Path};

use super::view::User;
use crate::context::Identity;
use crate::queries::members;

/// Reads a person: the caller, or a member of the caller's organisation.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "get_user", tag = "users",
    params(("id" = String, Path, description = "The person.", pattern = "^user_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "user_01h455vb4pex5vsknk084sn02q"),
           ("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The person; the version is in `ETag`.", body = User))
)]
pub(crate) async fn get_user(
    State(identity): State<Identity>,
    Path(id): Path<UserId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let user = members::user(&identity, &reader.principal, &reader.scope, id).await?;
    let version = user.version;
    Ok(known.respond(version, || Versioned(version, Json(User::from(user))).into_response()))
}
