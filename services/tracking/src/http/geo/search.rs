//! `GET /api/v1/geo/search`

use axum::extract::State;
use garde::Validate;
use osm::Point;
use places::geocodejson::FeatureCollection;
use platform::http::call::Reader;
use platform::http::{Json, Query};
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::FoundPlaces;
use crate::commands::doors;
use crate::context::Tracking;

/// What is looked for.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// An address, a street, a name or a place, in any order, with typos.
    #[garde(length(chars, min = 1, max = 200))]
    #[param(min_length = 1, max_length = 200, example = "mannerheimintie 5")]
    q: String,
    /// How many answers at most.
    #[garde(range(min = 1, max = 20))]
    #[serde(default = "usual")]
    #[param(required = false, minimum = 1, maximum = 20, default = 5, example = 5)]
    limit: u8,
    /// Degrees north and east of a place nearby, with a comma between them: what is near comes first.
    #[garde(inner(pattern(
        r"^-?([0-8]?[0-9](\.[0-9]{1,10})?|90(\.0{1,10})?),-?((1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,10})?|180(\.0{1,10})?)$"
    )))]
    #[param(
        pattern = r"^-?([0-8]?[0-9](\.[0-9]{1,10})?|90(\.0{1,10})?),-?((1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,10})?|180(\.0{1,10})?)$",
        example = "60.1699,24.9384"
    )]
    near: Option<String>,
    /// Whether the last word may be unfinished, as while somebody types.
    #[garde(skip)]
    #[serde(default)]
    #[param(required = false, default = false, example = true)]
    autocomplete: bool,
    /// The language of names, where the map has several (ISO 639).
    #[garde(inner(length(chars, min = 2, max = 3), pattern("^[a-z]+$")))]
    #[param(min_length = 2, max_length = 3, pattern = "^[a-z]{2,3}$", example = "fi")]
    language: Option<String>,
}

fn usual() -> u8 {
    5
}

impl SearchQuery {
    fn near(&self) -> Option<Point> {
        let (lat, lon) = self.near.as_deref()?.split_once(',')?;
        Some(Point::from_degrees(lat.parse().ok()?, lon.parse().ok()?))
    }
}

/// Finds addresses, streets and places by text. 404 `map_missing` where no map was imported.
#[utoipa::path(
    get, path = "/api/v1/geo/search", operation_id = "search_places", tag = "maps",
    params(SearchQuery),
    responses((status = 200, description = "What was found, the best first; nothing is an empty list.", body = FoundPlaces),
              (status = 404, description = "No map was imported."))
)]
pub(crate) async fn search_places(
    State(tracking): State<Tracking>,
    reader: Reader,
    Query(asked): Query<SearchQuery>,
) -> Result<Json<FeatureCollection>> {
    let query = places::Query {
        near: asked.near(),
        limit: usize::from(asked.limit),
        autocomplete: asked.autocomplete,
        language: asked.language,
        ..places::Query::new(asked.q)
    };
    let doors = doors::known(&tracking, &reader.scope).await?;
    let found = tracking.atlas().ask(move |charts| {
        let hits = charts.places()?.with(&doors).search(&query);
        let hits = hits.map_err(|error| Error::internal("the search of the map").with_source(error))?;
        Ok(FeatureCollection::of(hits, Some(&query.text)))
    });
    Ok(Json(found.await?))
}
