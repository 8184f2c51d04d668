//! The form of answers: geocodejson (<https://github.com/geocoders/geocodejson-spec>), which testers and clients of other
//! geocoders read. The values are made by `places::geocodejson`; here stands only what they look like.

use serde::Serialize;
use utoipa::ToSchema;

/// Places that were found, the best first, as geocodejson 0.1.0.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "type": "FeatureCollection",
    "geocoding": { "version": "0.1.0", "licence": "ODbL", "attribution": "© OpenStreetMap contributors",
        "query": "mannerheimintie 5" },
    "features": [{
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [24.9408, 60.1691] },
        "properties": { "geocoding": { "type": "house", "label": "Mannerheimintie 5, 00100 Helsinki", "housenumber": "5",
            "street": "Mannerheimintie", "postcode": "00100", "city": "Helsinki", "id": "house/node/1",
            "match_level": "house", "confidence": 1.0 } },
    }],
}))]
pub(crate) struct FoundPlaces {
    /// Always `FeatureCollection`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// About the answer.
    geocoding: FoundAbout,
    /// The places.
    features: Vec<FoundPlace>,
}

/// About an answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundAbout {
    /// Of the form.
    version: String,
    /// Of the data.
    licence: String,
    /// To be shown with the places.
    attribution: String,
    /// What was asked for.
    query: Option<String>,
}

/// A place that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundPlace {
    /// Always `Feature`.
    #[serde(rename = "type")]
    kind: String,
    /// A GeoJSON point: longitude, latitude.
    #[schema(value_type = Object)]
    geometry: (),
    /// `geocoding` with `type`, `label`, `match_level` (`house`, `interpolated`, `street`, `poi`, `place`), `confidence` (0 to 1)
    /// and, as far as known, `name`, `housenumber`, `street`, `postcode`, `city`, `district`, `country_code`, `distance` (metres).
    #[schema(value_type = Object)]
    properties: (),
}
