//! From a point to an address: the building around it, else the nearest house, else the street.

use std::collections::HashSet;

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

/// How much the way to the point of an address counts beside the way to its wall, and up to where.
const POINT_SHARE: f64 = 0.5;
const FAR_POINT_M: f64 = 20.0;

/// Answers for a point, the best first.
pub(crate) fn reverse(book: &Book, point: Point, limit: usize) -> Vec<Hit> {
    let mut houses = nearest_houses(book, point, FIRST_REACH_M);
    if houses.len() < limit {
        houses = nearest_houses(book, point, REACH_M);
    }
    let mut hits: Vec<Hit> = houses
        .into_iter()
        .take(limit)
        .filter_map(|(distance_m, index)| Some(at_distance(house_hit(book.house(index)?, None), distance_m)))
        .collect();
    if hits.len() < limit {
        hits.extend(nearest_streets(book, point, limit - hits.len()));
    }
    hits
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
    /// To the building, or to the point of the address where that is nearer.
    distance: f64,
    /// To the point of the address.
    to_point: f64,
    house: u32,
}

impl Near {
    /// Before a row of buildings the walls are equally near and the point of the address, often its door, tells them apart;
    /// of a large building the point says little.
    fn key(&self) -> (f64, f64) {
        let inside = self.distance <= 0.0;
        (
            if inside { 0.0 } else { self.distance + POINT_SHARE * self.to_point.min(FAR_POINT_M) },
            self.to_point,
        )
    }
}

/// Houses with their distance, those of the building around the point first (distance 0, the nearer of stacked numbers first).
fn nearest_houses(book: &Book, point: Point, reach_m: f64) -> Vec<(f64, u32)> {
    let mut found: Vec<Near> = Vec::new();
    let to_point = |index: u32| book.house(index).map(|house| geometry::distance_m(point, house.point()));
    for footprint in book.footprints_near(point, reach_m) {
        let ring = book.footprint(footprint);
        let distance = if ring_contains(&ring, point) { 0.0 } else { geometry::to_ring(&ring, point) };
        if distance <= reach_m {
            let houses = book.houses_in(footprint);
            found.extend(
                houses.filter_map(|house| Some(Near { distance, to_point: to_point(house)?, house })),
            );
        }
    }
    for index in book.houses_near(point, reach_m) {
        let near = to_point(index).filter(|metres| *metres <= reach_m);
        found.extend(near.map(|metres| Near { distance: metres, to_point: metres, house: index }));
    }
    found.sort_by(|a, b| {
        a.key().0.total_cmp(&b.key().0).then(a.key().1.total_cmp(&b.key().1)).then(a.house.cmp(&b.house))
    });
    let mut seen = HashSet::new();
    found.into_iter().filter(|near| seen.insert(near.house)).map(|near| (near.distance, near.house)).collect()
}

fn nearest_streets(book: &Book, point: Point, limit: usize) -> Vec<Hit> {
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
            Some(Hit { point: foot, ..at_distance(street_hit(book.street(street)?, None), distance) })
        })
        .collect()
}
