//! `GET /api/v1/map/styles/{theme}`

use axum::extract::State;
use garde::Validate;
use osm::Point;
use platform::http::{Json, Path, Query};
use platform::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use tiles::{Theme, blank_style, style};
use utoipa::IntoParams;

use super::document_url;
use crate::context::Tracking;

/// Where a grid is drawn while there is no map.
#[derive(Debug, Clone, Copy, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StyleQuery {
    /// Degrees north of its middle.
    #[garde(range(min = -85.0, max = 85.0))]
    #[serde(default)]
    #[param(required = false, minimum = -85, maximum = 85, default = 0, example = 60.17)]
    lat: f64,
    /// Degrees east.
    #[garde(range(min = -180.0, max = 180.0))]
    #[serde(default)]
    #[param(required = false, minimum = -180, maximum = 180, default = 0, example = 24.94)]
    lon: f64,
}

/// Tells how the map is painted (a MapLibre style that asks for nothing but this installation's tiles). While no map was
/// imported it is a grid around the place that is named.
#[utoipa::path(
    get, path = "/api/v1/map/styles/{theme}", operation_id = "get_map_style", tag = "maps",
    params(("theme" = String, Path, description = "`light` or `dark`.", pattern = "^(light|dark)$", example = "light"), StyleQuery),
    responses((status = 200, description = "The style document.", body = Object,
               example = json!({ "version": 8, "sources": {}, "layers": [] })))
)]
pub(crate) async fn get_map_style(
    State(tracking): State<Tracking>,
    Path(theme): Path<String>,
    Query(asked): Query<StyleQuery>,
) -> Result<Json<Value>> {
    let theme = match theme.as_str() {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => return Err(Error::not_found("map style")),
    };
    let url = document_url(&tracking);
    let told = tracking.atlas().ask(move |charts| {
        let around = Point::from_degrees(asked.lat, asked.lon);
        Ok(if charts.tiles.is_some() { style(theme, &url) } else { blank_style(theme, around) })
    });
    Ok(Json(told.await?))
}
