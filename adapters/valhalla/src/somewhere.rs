//! Where a server has roads, as far as it tells: its `status` has the outline of its tiles when
//! `service_limits.status.allow_verbose` is set, and `locate` a road within 35 km.

use kernel::geo::Position;
use platform::Result;
use platform::travel::Endpoint;
use platform::travel::tables::TableError;
use serde::Deserialize;
use serde_json::{Value, json};

/// Degrees around a place that are tried: a kilometre or two.
const AROUND: [(f64, f64); 5] = [(0.0, 0.0), (0.01, 0.0), (-0.01, 0.0), (0.0, 0.02), (0.0, -0.02)];

#[derive(Debug, Deserialize)]
struct Status {
    /// Every version says it.
    #[expect(dead_code, reason = "whoever has none is no Valhalla")]
    version: String,
    #[serde(default)]
    bbox: Value,
}

#[derive(Debug, Deserialize)]
struct Located {
    #[serde(default)]
    edges: Option<Vec<Edge>>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    correlated_lat: f64,
    correlated_lon: f64,
}

/// Places with roads near the middle of its tiles; none: it does not say where they are.
pub(crate) async fn somewhere(endpoint: &Endpoint) -> Result<Vec<Position>> {
    let status: Status = ask(endpoint, "/status", &json!({ "verbose": true })).await?;
    let Some(middle) = middle(&status.bbox) else { return Ok(Vec::new()) };
    // The middle may be in a wood: from the road that is nearest to it on.
    let Some(first) = located(endpoint, &[middle]).await?.first().copied() else { return Ok(Vec::new()) };
    let around = AROUND.map(|(lat, lon)| (first.lat() + lat, first.lon() + lon));
    located(endpoint, &around).await
}

/// The roads that are nearest to some places, as far as there are any.
async fn located(endpoint: &Endpoint, places: &[(f64, f64)]) -> Result<Vec<Position>> {
    let place = |(lat, lon): &(f64, f64)| json!({ "lat": lat, "lon": lon });
    let places: Vec<Value> = places.iter().map(place).collect();
    let question = json!({ "locations": places, "costing": "auto" });
    let found: Vec<Located> = ask(endpoint, "/locate", &question).await?;
    let nearest = |located: &Located| {
        let edge = located.edges.as_ref()?.first()?;
        Position::new(edge.correlated_lat, edge.correlated_lon).ok()
    };
    Ok(found.iter().filter_map(nearest).collect())
}

async fn ask<T: serde::de::DeserializeOwned>(endpoint: &Endpoint, path: &str, question: &Value) -> Result<T> {
    let answer = endpoint.post(path, question).await?;
    if let Some(failure) = answer.failure() {
        return Err(failure);
    }
    if !answer.status.is_success() {
        return match super::refusal(&answer) {
            TableError::Failed(error) => Err(error),
            TableError::NoRoad => Err(platform::Error::unavailable("routing server")),
        };
    }
    answer.json()
}

/// Latitude and longitude of the middle of an outline in GeoJSON.
fn middle(outline: &Value) -> Option<(f64, f64)> {
    let corners: Vec<(f64, f64)> = outline["features"]
        .as_array()?
        .iter()
        .filter_map(|feature| feature["geometry"]["coordinates"].as_array())
        .flatten()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|corner| Some((corner.get(1)?.as_f64()?, corner.get(0)?.as_f64()?)))
        .collect();
    let between = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        (low <= high).then(|| low.midpoint(high))
    };
    Some((
        between(&mut corners.iter().map(|corner| corner.0))?,
        between(&mut corners.iter().map(|corner| corner.1))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_tiles_is_read_from_their_outline() {
        let outline = json!({ "type": "FeatureCollection", "features": [{
            "type": "Feature", "properties": { "id": 1 },
            "geometry": { "type": "Polygon", "coordinates": [[[7.5, 49.5], [7.5, 49.25], [9.25, 49.25], [7.5, 49.5]]] },
        }] });
        assert_eq!(middle(&outline), Some((49.375, 8.375)));
        assert_eq!(middle(&Value::Null), None);
        assert_eq!(middle(&json!({ "features": [] })), None);
    }
}
