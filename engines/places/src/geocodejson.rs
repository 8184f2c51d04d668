//! Answers in the format that geocoders share, so that their testers and clients work with ours.
//!
//! Source: geocodejson-spec 0.1.0 (<https://github.com/geocoders/geocodejson-spec/tree/master/draft>).

use serde::Serialize;

use crate::hit::{Hit, Level};

/// What is owed to the makers of the map data (ODbL).
pub const ATTRIBUTION: &str = "© OpenStreetMap contributors";

const LICENCE: &str = "ODbL";
const VERSION: &str = "0.1.0";

/// The whole answer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FeatureCollection {
    /// Always `FeatureCollection`.
    #[serde(rename = "type")]
    kind: &'static str,
    geocoding: Geocoding,
    /// One for each hit, the best first.
    pub features: Vec<Feature>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Geocoding {
    version: &'static str,
    licence: &'static str,
    attribution: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
}

/// One answer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Feature {
    #[serde(rename = "type")]
    kind: &'static str,
    geometry: Geometry,
    properties: Properties,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Longitude, latitude.
    coordinates: [f64; 2],
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Properties {
    geocoding: Described,
}

/// `properties.geocoding`; what is unknown is left out. `match_level` and `confidence` are ours, which the specification allows.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct Described {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Metres from the point asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<f64>,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    housenumber: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postcode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    district: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<String>,
    id: String,
    match_level: &'static str,
    confidence: f32,
}

impl FeatureCollection {
    /// The answer to `query` (reverse: none).
    pub fn of(hits: impl IntoIterator<Item = Hit>, query: Option<&str>) -> Self {
        let geocoding = Geocoding {
            version: VERSION,
            licence: LICENCE,
            attribution: ATTRIBUTION,
            query: query.map(str::to_owned),
        };
        Self { kind: "FeatureCollection", geocoding, features: hits.into_iter().map(Feature::of).collect() }
    }
}

impl Feature {
    fn of(hit: Hit) -> Self {
        let geometry = Geometry { kind: "Point", coordinates: [hit.point.lon(), hit.point.lat()] };
        let described = Described {
            kind: kind_of(&hit),
            distance: hit.distance_m.map(f64::round),
            label: hit.label,
            name: hit.name,
            housenumber: hit.house_number,
            street: hit.street,
            postcode: hit.postcode,
            city: hit.city,
            district: hit.district,
            country_code: hit.country,
            id: hit.id,
            match_level: hit.level.name(),
            confidence: hit.confidence,
        };
        Self { kind: "Feature", geometry, properties: Properties { geocoding: described } }
    }
}

/// The specification knows house, street, locality, district, city, county, state, country and poi.
fn kind_of(hit: &Hit) -> &'static str {
    match hit.level {
        Level::House | Level::Interpolated => "house",
        Level::Street => "street",
        Level::Poi => "poi",
        Level::Place => match hit.category.as_deref() {
            Some("place=city" | "place=town" | "place=village" | "place=municipality") => "city",
            Some("place=suburb" | "place=borough" | "place=quarter" | "place=neighbourhood") => "district",
            _ => "locality",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_shape_of_the_specification() {
        let hit = Hit {
            id: "house/w1/12".to_owned(),
            level: Level::House,
            label: "Landstrasse 12, 9490 Vaduz".to_owned(),
            name: None,
            category: None,
            house_number: Some("12".to_owned()),
            street: Some("Landstrasse".to_owned()),
            postcode: Some("9490".to_owned()),
            city: Some("Vaduz".to_owned()),
            district: None,
            country: Some("LI".to_owned()),
            point: osm::Point::from_degrees(47.14, 9.52),
            address_point: None,
            distance_m: None,
            confidence: 1.0,
        };
        let json = serde_json::to_value(FeatureCollection::of([hit], Some("landstr 12"))).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "FeatureCollection",
                "geocoding": {
                    "version": "0.1.0", "licence": "ODbL", "attribution": "© OpenStreetMap contributors", "query": "landstr 12"
                },
                "features": [{
                    "type": "Feature",
                    "geometry": { "type": "Point", "coordinates": [9.52, 47.14] },
                    "properties": { "geocoding": {
                        "type": "house", "label": "Landstrasse 12, 9490 Vaduz", "housenumber": "12", "street": "Landstrasse",
                        "postcode": "9490", "city": "Vaduz", "country_code": "LI", "id": "house/w1/12", "match_level": "house",
                        "confidence": 1.0
                    }}
                }]
            })
        );
    }
}
