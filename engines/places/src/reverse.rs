//! From a point to an address: the building around it, else the nearest house, else the street.
//!
//! A point comes from a tap on a roof, a pin before a door or the phone of a courier, and the map says two things about a
//! house: its walls, and the places where its address is written ([`crate::model::House::points`]). The order of houses is made
//! of both. The way to the wall counts in full; the way to the nearest written place counts half and only up to 20 m, since
//! that place is often the door but may be the middle of a large building.
//!
//! - Well inside of one building the point is in that building, however near the neighbour's door is.
//! - Outlines are drawn after aerial images, on which roofs lean by two or three metres. So near to a wall nobody knows which
//!   side a point is on, and its two buildings are compared as if it stood on their border.
//! - An address without a building is never before the building around the point.

use std::collections::{HashMap, HashSet};

use osm::Point;
use osm::areas::ring_contains;

use crate::book::Book;
use crate::geometry;
use crate::hit::Hit;
use crate::search::{house_hit, street_hit};

/// Houses further away are no answer.
pub(crate) const REACH_M: f64 = 250.0;

/// In a town the answer lies within this distance, which is looked at first.
const FIRST_REACH_M: f64 = 60.0;

/// How much the way to where the address is written counts beside the way to its wall, and up to where.
const DOOR_SHARE: f64 = 0.5;
const FAR_DOOR_M: f64 = 20.0;

/// How far a drawn wall may be from the real one.
const WALL_M: f64 = 3.0;

/// An answer, and where it stands in the order of its level: lower is better.
pub(crate) struct Reached {
    pub hit: Hit,
    pub order: f64,
}

/// Answers for a point, the best first.
pub(crate) fn reverse(book: &Book, point: Point, limit: usize) -> Vec<Reached> {
    let mut houses = nearest_houses(book, point, FIRST_REACH_M);
    if houses.len() < limit {
        houses = nearest_houses(book, point, REACH_M);
    }
    let of_house = |(order, near): (f64, Near)| {
        let hit = at_distance(house_hit(book.house(near.house)?, None), near.outside_m);
        Some(Reached { hit, order })
    };
    let mut reached: Vec<Reached> = houses.into_iter().take(limit).filter_map(of_house).collect();
    if reached.len() < limit {
        reached.extend(nearest_streets(book, point, limit - reached.len()));
    }
    reached
}

#[expect(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
fn at_distance(hit: Hit, distance_m: f64) -> Hit {
    Hit {
        distance_m: Some(distance_m),
        confidence: (1.0 - distance_m / (2.0 * REACH_M)).clamp(0.0, 1.0) as f32,
        ..hit
    }
}

/// A house near the point.
#[derive(Clone, Copy)]
struct Near {
    house: u32,
    /// To its wall, 0 inside; without a building, to where its address is written.
    outside_m: f64,
    /// From the point to the wall around it, 0 outside.
    inside_m: f64,
    /// To the nearest place where its address is written.
    door_m: f64,
    has_building: bool,
}

impl Near {
    fn order(&self, is_in_a_building: bool) -> f64 {
        if self.inside_m > WALL_M {
            return 0.0;
        }
        let order = self.outside_m + DOOR_SHARE * self.door_m.min(FAR_DOOR_M);
        let may_be_around = self.has_building && self.outside_m <= WALL_M;
        // The most that the building around the point can have.
        let behind = if is_in_a_building && !may_be_around { DOOR_SHARE * FAR_DOOR_M } else { 0.0 };
        order + behind
    }
}

/// Houses in their order, each once.
fn nearest_houses(book: &Book, point: Point, reach_m: f64) -> Vec<(f64, Near)> {
    let doors = doors(book, point, reach_m);
    let mut found = in_buildings(book, point, reach_m, &doors);
    let housed: HashSet<u32> = found.iter().map(|near| near.house).collect();
    // Of a building with several entrances, the door may be nearer than any wall that is drawn.
    found.extend(doors.iter().filter(|(_, metres)| **metres <= reach_m).map(|(house, metres)| Near {
        house: *house,
        outside_m: *metres,
        inside_m: 0.0,
        door_m: *metres,
        has_building: housed.contains(house),
    }));
    let is_in_a_building = found.iter().any(|near| near.inside_m > 0.0);
    let mut ordered: Vec<(f64, Near)> =
        found.into_iter().map(|near| (near.order(is_in_a_building), near)).collect();
    ordered.sort_by(|(a, near), (b, other)| {
        a.total_cmp(b).then(near.door_m.total_cmp(&other.door_m)).then(near.house.cmp(&other.house))
    });
    let mut seen = HashSet::new();
    ordered.retain(|(_, near)| seen.insert(near.house));
    ordered
}

/// Metres to the nearest place where the address of each house is written.
fn doors(book: &Book, point: Point, reach_m: f64) -> HashMap<u32, f64> {
    let houses = book.houses_near(point, reach_m).into_iter();
    let own = houses.filter_map(|house| Some((book.house(house)?.point(), house)));
    let mut nearest = HashMap::new();
    for (door, house) in own.chain(book.doors_near(point, reach_m)) {
        let metres = geometry::distance_m(point, door);
        nearest.entry(house).and_modify(|known: &mut f64| *known = known.min(metres)).or_insert(metres);
    }
    nearest
}

fn in_buildings(book: &Book, point: Point, reach_m: f64, doors: &HashMap<u32, f64>) -> Vec<Near> {
    let mut found = Vec::new();
    for footprint in book.footprints_near(point, reach_m) {
        let ring = book.footprint(footprint);
        let to_wall = geometry::to_ring(&ring, point);
        let is_inside = ring_contains(&ring, point);
        if !is_inside && to_wall > reach_m {
            continue;
        }
        let (outside_m, inside_m) = if is_inside { (0.0, to_wall) } else { (to_wall, 0.0) };
        // A door beyond the cells that were read is far.
        found.extend(book.houses_in(footprint).map(|house| Near {
            house,
            outside_m,
            inside_m,
            door_m: doors.get(&house).copied().unwrap_or(reach_m),
            has_building: true,
        }));
    }
    found
}

fn nearest_streets(book: &Book, point: Point, limit: usize) -> Vec<Reached> {
    let mut lines: Vec<(f64, u32, Point)> = book
        .lines_near(point, REACH_M)
        .into_iter()
        .filter_map(|index| {
            let line = book.line(index);
            let (along, distance) = geometry::along(&line, point)?;
            Some((distance, book.street_of_line(index), geometry::point_at(&line, along)?))
        })
        .filter(|(distance, ..)| *distance <= REACH_M)
        .collect();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut seen = HashSet::new();
    lines
        .into_iter()
        .filter(|(_, street, _)| seen.insert(*street))
        .take(limit)
        .filter_map(|(distance, street, foot)| {
            // The place on the street, not its middle.
            let hit = at_distance(street_hit(book.street(street)?, None), distance);
            Some(Reached { hit: Hit { point: foot, ..hit }, order: distance })
        })
        .collect()
}
