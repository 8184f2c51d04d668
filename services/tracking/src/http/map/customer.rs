//! `GET /api/v1/track/{code}/map`

use axum::extract::State;
use kernel::geo::Position;
use platform::Result;
use platform::http::{Json, Path};
use serde::Serialize;
use tiles::TileSource as _;
use utoipa::ToSchema;

use crate::context::Tracking;
use crate::domain::way::Way;
use crate::http::track::TrackPosition;
use crate::queries::page_map::{self, PageMap};

/// A place.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct MapPlace {
    /// Degrees north (WGS 84).
    #[schema(example = 60.1699)]
    lat: f64,
    /// Degrees east.
    #[schema(example = 24.9384)]
    lon: f64,
}

impl From<Position> for MapPlace {
    fn from(place: Position) -> Self {
        Self { lat: place.lat(), lon: place.lon() }
    }
}

/// The way that is left.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MapWay {
    /// Its corners: longitude and latitude of each.
    #[schema(example = json!([[24.9411, 60.1721], [24.9384, 60.1699]]))]
    line: Vec<[f64; 2]>,
    /// Where it comes from: `roads`, `straight_line`, or both with a plus between them.
    #[schema(example = "roads")]
    source: &'static str,
}

impl From<Way> for MapWay {
    fn from(way: Way) -> Self {
        // Tenths of a metre are enough to draw.
        let degrees = |value: f64| (value * 1e6).round() / 1e6;
        let line = way.line.iter().map(|at| [degrees(at.lon()), degrees(at.lat())]).collect();
        Self { line, source: way.source }
    }
}

/// What the map of a customer's page shows. Once nothing more is to come it is empty.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TrackMap {
    /// Where it is picked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pickup: Option<MapPlace>,
    /// Where it is dropped off.
    #[serde(skip_serializing_if = "Option::is_none")]
    dropoff: Option<MapPlace>,
    /// Where the courier is, while this order is next.
    #[serde(skip_serializing_if = "Option::is_none")]
    courier: Option<TrackPosition>,
    /// The way that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<MapWay>,
    /// Whom the data of streets and ways belongs to, to be shown with them; missing where no map was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "© OpenStreetMap contributors")]
    attribution: Option<String>,
}

impl TrackMap {
    fn of(map: PageMap, attribution: Option<String>) -> Self {
        let courier = map.courier.map(|(at, seen, age_s)| TrackPosition::of(at, &seen, age_s));
        Self {
            pickup: map.pickup.map(MapPlace::from),
            dropoff: map.dropoff.map(MapPlace::from),
            courier,
            way: map.way.map(MapWay::from),
            attribution,
        }
    }
}

/// Shows a customer where the delivery with this code comes from, where it goes, and who brings it. Nobody needs to sign in.
#[utoipa::path(
    get, path = "/api/v1/track/{code}/map", operation_id = "get_tracking_map", tag = "tracking",
    params(("code" = String, Path, description = "The code of the page.", pattern = "^[0-9A-Za-z]{4,32}$",
            example = "7KQ2M9XTB4HP")),
    responses((status = 200, description = "What it shows.", body = TrackMap))
)]
pub(crate) async fn get_tracking_map(
    State(tracking): State<Tracking>,
    Path(code): Path<String>,
) -> Result<Json<TrackMap>> {
    let map = page_map::read(&tracking, &code).await?;
    let told = tracking.atlas().ask(|charts| {
        let document = charts.tiles.map(|tiles| tiles.tile_json(""));
        Ok(document.and_then(|document| document["attribution"].as_str().map(str::to_owned)))
    });
    Ok(Json(TrackMap::of(map, told.await?)))
}
