//! `GET /api/v1/map/tiles/{z}/{x}/{y}`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, StatusCode};
use platform::http::Path;
use platform::{Error, Result};
use tiles::TileSource as _;

use crate::atlas;
use crate::context::Tracking;

/// The media type of vector tiles.
const MVT: &str = "application/vnd.mapbox-vector-tile";
/// A day; a new import has other ETags, which clients ask for after it.
const KEPT: &str = "public, max-age=86400";

/// Draws a tile (Mapbox Vector Tile 2, in the layers of the Protomaps basemap). 204 where the map has nothing.
#[utoipa::path(
    get, path = "/api/v1/map/tiles/{z}/{x}/{y}", operation_id = "get_map_tile", tag = "maps",
    params(("z" = u8, Path, description = "Zoom.", minimum = 0, maximum = 22, example = 14),
           ("x" = u32, Path, description = "Column from the west.", example = 9326),
           ("y" = u32, Path, description = "Row from the north.", example = 4742)),
    responses((status = 200, description = "The tile.", content_type = "application/vnd.mapbox-vector-tile", body = [u8]),
              (status = 204, description = "There is nothing to draw."),
              (status = 304, description = "It is as the client has it."),
              (status = 404, description = "No map was imported."))
)]
pub(crate) async fn get_map_tile(
    State(tracking): State<Tracking>,
    Path((z, x, y)): Path<(u8, u32, u32)>,
    headers: HeaderMap,
) -> Result<Response> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let seen = text(IF_NONE_MATCH);
    let packed = text(http::header::ACCEPT_ENCODING).is_some_and(|accepted| accepted.contains("gzip"));
    let drawn = tracking.atlas().ask(move |charts| {
        let tiles = charts.tiles.ok_or_else(atlas::missing)?;
        let etag = tiles.etag(z, x, y);
        if seen.is_some_and(|seen| seen == etag) {
            return Ok((etag, Drawn::Same));
        }
        let wrong = |error| Error::internal("the tiles of the map").with_source(error);
        let Some(tile) = tiles.tile(z, x, y).map_err(wrong)? else { return Ok((etag, Drawn::Nothing)) };
        let bytes = if packed { tile.gzip() } else { tile.plain() };
        Ok((etag, Drawn::Tile(bytes.map_err(wrong)?)))
    });
    let (etag, drawn) = drawn.await?;
    let kept = [(ETAG, etag), (CACHE_CONTROL, KEPT.to_owned()), (VARY, "accept-encoding".to_owned())];
    Ok(match drawn {
        Drawn::Same => (StatusCode::NOT_MODIFIED, kept).into_response(),
        Drawn::Nothing => (StatusCode::NO_CONTENT, kept).into_response(),
        Drawn::Tile(bytes) if packed => {
            (kept, [(CONTENT_TYPE, MVT), (CONTENT_ENCODING, "gzip")], bytes).into_response()
        }
        Drawn::Tile(bytes) => (kept, [(CONTENT_TYPE, MVT)], bytes).into_response(),
    })
}

/// What came of it.
enum Drawn {
    Same,
    Nothing,
    Tile(bytes::Bytes),
}
