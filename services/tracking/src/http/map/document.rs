//! `GET /api/v1/map`

use axum::extract::State;
use platform::Result;
use platform::http::Json;
use serde::Serialize;
use serde_json::Value;
use tiles::TileSource as _;
use utoipa::ToSchema;

use super::tiles_url;
use crate::atlas;
use crate::context::Tracking;

/// Where tiles are and what is in them, as TileJSON 3.0; more names than these may be there.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "tilejson": "3.0.0", "tiles": ["https://delivery.example/api/v1/map/tiles/{z}/{x}/{y}"],
    "attribution": "© OpenStreetMap contributors", "minzoom": 0, "maxzoom": 15,
    "bounds": [24.93, 60.16, 24.96, 60.18] }))]
pub(crate) struct MapDocument {
    /// The version of the form.
    tilejson: String,
    /// Addresses, with places for zoom, column and row.
    tiles: Vec<String>,
    /// To be shown with the map, always.
    attribution: String,
    /// The smallest zoom.
    minzoom: u8,
    /// The largest zoom that is drawn; beyond it clients enlarge.
    maxzoom: u8,
    /// West, south, east, north in degrees.
    bounds: [f64; 4],
}

/// Tells where the tiles of the map are (TileJSON). 404 `map_missing` where no map was imported.
#[utoipa::path(
    get, path = "/api/v1/map", operation_id = "get_map", tag = "maps",
    responses((status = 200, description = "The document.", body = MapDocument),
              (status = 404, description = "No map was imported."))
)]
pub(crate) async fn get_map(State(tracking): State<Tracking>) -> Result<Json<Value>> {
    let url = tiles_url(&tracking);
    let told = tracking.atlas().ask(move |charts| {
        let tiles = charts.tiles.ok_or_else(atlas::missing)?;
        Ok(tiles.tile_json(&url))
    });
    Ok(Json(told.await?))
}
