//! Named points of interest and places.

use std::collections::BTreeMap;

use osm::{Data, Kind, Tags};

use super::addresses::{belongs_of, origin_of};
use super::belonging::Belonging;
use super::shape::{self, Shape};
use super::streets::names_of;
use crate::geometry;
use crate::model::{Belongs, House, Name, Origin, Spot, SpotKind};

/// Keys that make a named thing worth finding, the most telling first.
const POI_KEYS: [&str; 13] = [
    "shop",
    "amenity",
    "tourism",
    "office",
    "craft",
    "healthcare",
    "leisure",
    "historic",
    "railway",
    "public_transport",
    "aeroway",
    "man_made",
    "building",
];

/// Names in other languages that are kept: a city has more than a hundred.
const MOST_NAMES: usize = 40;

/// All spots of the extract.
pub(super) fn read(data: &Data, houses: &[House], belonging: &mut Belonging) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut add = |tags: Tags<'_>, kind: Kind, id: i64, shape: &mut dyn FnMut() -> Option<Shape>| {
        let Some((spot_kind, category, weight)) = kind_of(tags) else { return };
        let names = names_of(tags, MOST_NAMES);
        if names.is_empty() {
            return;
        }
        let Some(shape) = shape() else { return };
        let mut belongs = belongs_of(tags);
        belonging.fill_from_boundaries(shape.point, &mut belongs);
        belonging.fill_from_places(shape.point, &mut belongs);
        spots.push(Spot {
            kind: spot_kind,
            names,
            category,
            weight,
            point: shape.point,
            street: tags.get("addr:street").or_else(|| tags.get("addr:place")).unwrap_or_default().to_owned(),
            number: tags.get("addr:housenumber").unwrap_or_default().to_owned(),
            belongs,
            origin: origin_of(kind, id),
        });
    };
    for node in data.nodes() {
        add(node.tags, Kind::Node, node.id, &mut || Some(Shape::of_point(node.point)));
    }
    for way in data.ways() {
        add(way.tags, Kind::Way, way.id, &mut || shape::of_way(data, &way));
    }
    for relation in data.relations() {
        let is_area = relation.tags.is("type", "multipolygon") || relation.tags.get("place").is_some();
        if is_area {
            add(relation.tags, Kind::Relation, relation.id, &mut || shape::of_relation(data, &relation));
        }
    }
    spots.extend(postcodes(houses));
    spots
}

/// What the tags make it: kind, category, weight.
fn kind_of(tags: Tags<'_>) -> Option<(SpotKind, String, u32)> {
    tags.get("name")?;
    if let Some(place) = tags.get("place") {
        let weight = match place {
            "city" => 100,
            "town" => 80,
            "village" | "municipality" | "borough" => 60,
            "suburb" => 50,
            "quarter" | "neighbourhood" => 40,
            "hamlet" | "square" | "island" => 35,
            "isolated_dwelling" | "farm" | "locality" | "islet" => 15,
            // Countries, states and counties are no answer to where a parcel goes.
            _ => return None,
        };
        return Some((SpotKind::Place, format!("place={place}"), weight));
    }
    if tags.get("highway").is_some() {
        return None;
    }
    let (key, value) =
        POI_KEYS.iter().find_map(|key| Some((*key, tags.get(key).filter(|value| *value != "no")?)))?;
    // Rails and stops carry the names of their lines and crossings, which are not where anybody delivers.
    let is_rail_or_stop =
        matches!(key, "railway" | "public_transport") && !matches!(value, "station" | "halt");
    if is_rail_or_stop {
        return None;
    }
    let weight = match (key, value) {
        ("railway", "station") | ("amenity", "hospital" | "university") | ("aeroway", "aerodrome") => 30,
        ("building", _) => 5,
        _ => 15,
    };
    Some((SpotKind::Poi, format!("{key}={value}"), weight))
}

/// A place for each postcode of a town, in the middle of its houses.
fn postcodes(houses: &[House]) -> Vec<Spot> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<osm::Point>> = BTreeMap::new();
    for house in houses.iter().filter(|house| !house.belongs.postcode.is_empty()) {
        let belongs = &house.belongs;
        groups.entry((&belongs.postcode, &belongs.city, &belongs.country)).or_default().push(house.point);
    }
    (0..)
        .zip(groups)
        .filter_map(|(index, ((postcode, city, country), points))| {
            Some(Spot {
                kind: SpotKind::Place,
                names: vec![Name::plain(postcode)],
                category: "boundary=postal_code".to_owned(),
                weight: 30,
                point: geometry::middle(&points)?,
                street: String::new(),
                number: String::new(),
                belongs: Belongs {
                    postcode: postcode.to_owned(),
                    city: city.to_owned(),
                    district: String::new(),
                    country: country.to_owned(),
                },
                origin: Origin::Made(index),
            })
        })
        .collect()
}
