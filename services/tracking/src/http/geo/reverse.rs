//! `GET /api/v1/geo/reverse`

use axum::extract::State;
use garde::Validate;
use osm::Point;
use places::geocodejson::FeatureCollection;
use platform::Result;
use platform::http::call::Reader;
use platform::http::{Json, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::FoundPlaces;
use crate::commands::doors;
use crate::context::Tracking;

/// Which place is asked about.
#[derive(Debug, Clone, Copy, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReverseQuery {
    /// Degrees north (WGS 84).
    #[garde(range(min = -90.0, max = 90.0))]
    #[param(minimum = -90, maximum = 90, example = 60.1699)]
    lat: f64,
    /// Degrees east.
    #[garde(range(min = -180.0, max = 180.0))]
    #[param(minimum = -180, maximum = 180, example = 24.9384)]
    lon: f64,
    /// How many answers at most.
    #[garde(range(min = 1, max = 20))]
    #[serde(default = "usual")]
    #[param(required = false, minimum = 1, maximum = 20, default = 1, example = 1)]
    limit: u8,
}

fn usual() -> u8 {
    1
}

/// Tells the address of a place: the building around it, else the nearest house within 250 m, else the street.
/// 404 `map_missing` where no map was imported.
#[utoipa::path(
    get, path = "/api/v1/geo/reverse", operation_id = "reverse_place", tag = "maps",
    params(ReverseQuery),
    responses((status = 200, description = "What is there, the nearest first; nothing is an empty list.", body = FoundPlaces),
              (status = 404, description = "No map was imported."))
)]
pub(crate) async fn reverse_place(
    State(tracking): State<Tracking>,
    reader: Reader,
    Query(asked): Query<ReverseQuery>,
) -> Result<Json<FeatureCollection>> {
    let doors = doors::known(&tracking, &reader.scope).await?;
    let found = tracking.atlas().ask(move |charts| {
        let point = Point::from_degrees(asked.lat, asked.lon);
        Ok(FeatureCollection::of(
            charts.places()?.with(&doors).reverse(point, usize::from(asked.limit)),
            None,
        ))
    });
    Ok(Json(found.await?))
}
