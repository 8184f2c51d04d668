//! `GET /api/v1/organizations/{id}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use kernel::ids::OrgId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::{IfNoneMatch, Versioned};
use platform::http::{Json, Path};

use super::view::Organization;
use crate::context::Identity;
use crate::queries::organizations::one;

/// Reads the caller's organisation. Any other is 404.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}", operation_id = "get_organization", tag = "organizations",
    params(("id" = String, Path, description = "The organisation.", pattern = "^org_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "org_01h455vb4pex5vsknk084sn02q"),
           ("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The organisation; its version is in `ETag`.", body = Organization))
)]
pub(crate) async fn get_organization(
    State(identity): State<Identity>,
    Path(id): Path<OrgId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let found = one(&identity, &reader.scope, id).await?;
    let version = found.version;
    Ok(known.respond(version, || Versioned(version, Json(Organization::from(found))).into_response()))
}
