//! `GET /api/v1/zones/{id}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use kernel::ids::ZoneId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::IfNoneMatch;
use platform::http::{Json, Path};

use super::view::ZoneView;
use crate::context::Storefront;
use crate::queries::zones;

/// Reads a delivery zone.
#[utoipa::path(
    get, path = "/api/v1/zones/{id}", operation_id = "get_zone", tag = "zones",
    params(("id" = String, Path, description = "The zone.", pattern = "^zone_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "zone_01h455vb4pex5vsknk084sn02q"),
           ("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The zone; its version is in `ETag`.", body = ZoneView))
)]
pub(crate) async fn get_zone(
    State(storefront): State<Storefront>,
    Path(id): Path<ZoneId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let zone = zones::one(&storefront, &reader.scope, id).await?;
    Ok(known.respond(zone.version, || Json(ZoneView::from(zone)).into_response()))
}
