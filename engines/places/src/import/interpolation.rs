//! Houses along `addr:interpolation` ways: a line whose numbered nodes give the ends, and the houses between are spread evenly
//! (<https://wiki.openstreetmap.org/wiki/Key:addr:interpolation>).

use std::collections::HashMap;

use osm::{Data, Point, Way};

use super::addresses::{Raw, belongs_of};
use crate::geometry;
use crate::model::Origin;
use crate::text::HouseNumber;

/// A longer run between two nodes is a mistake in the data.
const MOST_HOUSES: u32 = 500;

/// A numbered node of the way: its position in the line, and what it says.
struct End {
    at: usize,
    number: u32,
    address: Option<Raw>,
}

/// The houses that no element names itself.
pub(super) fn expand(data: &Data, known: &[Raw]) -> Vec<Raw> {
    let by_node: HashMap<i64, &Raw> = known
        .iter()
        .filter_map(|raw| if let Origin::Node(id) = raw.origin { Some((id, raw)) } else { None })
        .collect();
    let ways = data.ways().filter(|way| way.tags.get("addr:interpolation").is_some());
    ways.flat_map(|way| along_way(data, &way, &by_node)).collect()
}

fn along_way(data: &Data, way: &Way<'_>, by_node: &HashMap<i64, &Raw>) -> Vec<Raw> {
    let Some(step) = step(way.tags.get("addr:interpolation").unwrap_or_default()) else { return Vec::new() };
    let line: Vec<(i64, Point)> = way.nodes.iter().filter_map(|id| Some((*id, data.point(*id)?))).collect();
    let ends: Vec<End> = line
        .iter()
        .enumerate()
        .filter_map(|(at, (id, _))| {
            let node = data.node(*id)?;
            let number = HouseNumber::parse(node.tags.get("addr:housenumber")?)?.main;
            Some(End { at, number, address: by_node.get(id).map(|raw| (*raw).clone()) })
        })
        .collect();
    let street = way.tags.get("addr:street").map(str::to_owned);
    ends.iter()
        .zip(ends.iter().skip(1))
        .flat_map(|(a, b)| between(&line, (a, b), step, street.as_deref(), way))
        .collect()
}

/// Distance between neighbouring numbers.
fn step(kind: &str) -> Option<u32> {
    match kind {
        "odd" | "even" => Some(2),
        "all" => Some(1),
        other => other.parse().ok().filter(|step| (1..=100).contains(step)),
    }
}

fn between(
    line: &[(i64, Point)],
    (a, b): (&End, &End),
    step: u32,
    street: Option<&str>,
    way: &Way<'_>,
) -> Vec<Raw> {
    let (low, high) = (a.number.min(b.number), a.number.max(b.number));
    let count = (high - low) / step;
    let street = street.or_else(|| a.address.as_ref().or(b.address.as_ref()).map(|raw| raw.street.as_str()));
    let (Some(street), 2..=MOST_HOUSES) = (street, count) else { return Vec::new() };
    let piece: Vec<Point> = line[a.at..=b.at].iter().map(|(_, point)| *point).collect();
    let length = geometry::length_m(&piece);
    let belongs = a
        .address
        .as_ref()
        .or(b.address.as_ref())
        .map_or_else(|| belongs_of(way.tags), |raw| raw.belongs.clone());
    (1..count)
        .filter_map(|index| {
            let share = f64::from(index) / f64::from(count);
            let share = if a.number <= b.number { share } else { 1.0 - share };
            let point = geometry::point_at(&piece, share * length)?;
            Some(Raw {
                street: street.to_owned(),
                number: (low + index * step).to_string(),
                name: String::new(),
                point,
                doors: Vec::new(),
                belongs: belongs.clone(),
                interpolated: true,
                rank: 3,
                origin: Origin::Way(way.id),
            })
        })
        .collect()
}
