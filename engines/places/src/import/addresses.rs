//! Reads the addresses that are written in the extract: on nodes, on buildings, and on the members of `associatedStreet`
//! relations (<https://wiki.openstreetmap.org/wiki/Key:addr>).

use std::collections::HashMap;

use osm::{Data, Kind, Point, Tags};

use super::shape::{self, Shape};
use crate::model::{Belongs, Origin};

/// One building may carry a list of numbers; longer lists are mistakes.
const MOST_NUMBERS: usize = 40;

/// An address as written.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    /// `addr:street`, or `addr:place` where there are no streets.
    pub street: String,
    pub number: String,
    pub name: String,
    pub point: Point,
    /// Where else the same address is written.
    pub doors: Vec<Point>,
    pub belongs: Belongs,
    pub interpolated: bool,
    /// Lower wins when one house is written several times: a building, an address node, a shop that gives its address.
    pub rank: u8,
    pub origin: Origin,
}

impl Raw {
    pub fn of_list(listed: super::Listed) -> Self {
        Self {
            street: listed.street,
            number: listed.number,
            name: String::new(),
            point: listed.point,
            doors: Vec::new(),
            belongs: listed.belongs,
            interpolated: false,
            rank: 0,
            origin: Origin::Row(i64::try_from(listed.line).unwrap_or(i64::MAX)),
        }
    }
}

/// Street names by member of the relations that join houses to a street.
type Associated = HashMap<(Kind, i64), String>;

/// All addresses of the extract, and how many have a number but neither street nor place.
pub(super) fn read(data: &Data) -> (Vec<Raw>, usize) {
    let associated = associated(data);
    let mut found = Vec::new();
    let mut without_street = 0;
    let mut add = |tags: Tags<'_>, kind: Kind, id: i64, shape: &mut dyn FnMut() -> Option<Shape>| {
        let Some(numbers) = tags.get("addr:housenumber").or_else(|| tags.get("addr:conscriptionnumber"))
        else {
            return;
        };
        if tags.get("addr:interpolation").is_some() {
            return;
        }
        let Some(street) = street_of(tags, associated.get(&(kind, id))) else {
            without_street += 1;
            return;
        };
        let Some(shape) = shape() else { return };
        found.extend(several(numbers).map(|number| Raw {
            street: street.clone(),
            number: number.to_owned(),
            name: tags.get("addr:housename").unwrap_or_default().to_owned(),
            point: shape.point,
            doors: Vec::new(),
            belongs: belongs_of(tags),
            interpolated: false,
            rank: rank_of(tags, kind),
            origin: origin_of(kind, id),
        }));
    };
    for node in data.nodes() {
        add(node.tags, Kind::Node, node.id, &mut || Some(Shape::of_point(node.point)));
    }
    for way in data.ways() {
        add(way.tags, Kind::Way, way.id, &mut || shape::of_way(data, &way));
    }
    for relation in data.relations().filter(|relation| relation.tags.get("type") != Some("associatedStreet"))
    {
        add(relation.tags, Kind::Relation, relation.id, &mut || shape::of_relation(data, &relation));
    }
    (found, without_street)
}

pub(super) fn origin_of(kind: Kind, id: i64) -> Origin {
    match kind {
        Kind::Node => Origin::Node(id),
        Kind::Way => Origin::Way(id),
        Kind::Relation => Origin::Relation(id),
    }
}

fn street_of(tags: Tags<'_>, associated: Option<&String>) -> Option<String> {
    let written = tags.get("addr:street").or_else(|| tags.get("addr:place"));
    written
        .map(str::trim)
        .filter(|street| !street.is_empty())
        .map(str::to_owned)
        .or_else(|| associated.cloned())
}

/// `12;14` and `12, 14` are two houses.
pub(super) fn several(numbers: &str) -> impl Iterator<Item = &str> {
    numbers.split([';', ',']).map(str::trim).filter(|number| !number.is_empty()).take(MOST_NUMBERS)
}

pub(super) fn belongs_of(tags: Tags<'_>) -> Belongs {
    let get = |keys: &[&str]| keys.iter().find_map(|key| tags.get(key)).unwrap_or_default().trim().to_owned();
    Belongs {
        postcode: get(&["addr:postcode"]),
        city: get(&["addr:city"]),
        district: get(&["addr:suburb", "addr:district", "addr:neighbourhood"]),
        country: get(&["addr:country"]).to_uppercase(),
    }
}

fn rank_of(tags: Tags<'_>, kind: Kind) -> u8 {
    let is_business =
        ["amenity", "shop", "office", "tourism", "craft"].iter().any(|key| tags.get(key).is_some());
    match kind {
        Kind::Way | Kind::Relation if tags.get("building").is_some() => 0,
        _ if is_business => 2,
        _ => 1,
    }
}

/// <https://wiki.openstreetmap.org/wiki/Relation:associatedStreet>: the street is the relation's name, or that of its `street`
/// member.
fn associated(data: &Data) -> Associated {
    let mut houses = Associated::new();
    for relation in data.relations() {
        if !matches!(relation.tags.get("type"), Some("associatedStreet" | "street")) {
            continue;
        }
        let member_name = || {
            let mut streets = relation.members.iter().filter(|member| relation.role(member) == "street");
            streets.find_map(|member| data.way(member.id)?.tags.get("name"))
        };
        let Some(name) = relation.tags.get("name").or_else(member_name) else { continue };
        for member in relation.members {
            if matches!(relation.role(member), "house" | "address" | "addr:houselink" | "") {
                houses.insert((member.kind, member.id), name.to_owned());
            }
        }
    }
    houses
}
