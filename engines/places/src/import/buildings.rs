//! Outlines of the buildings that hold houses, so that a point in a building finds its house and not the neighbour's whose
//! point happens to be nearer.

use std::collections::HashMap;

use osm::areas::ring_contains;
use osm::{Bounds, Data, Kind, Point, Tags};

use super::addresses::origin_of;
use super::shape;
use crate::model::{Footprint, House, Origin};

/// Side of the cells by which houses are looked up, 0.001 degrees.
const CELL_E7: i32 = 10_000;

/// A larger outline is not one building.
const MOST_CELLS: i32 = 2_000;

/// The outlines that hold at least one house.
pub(super) fn read(data: &Data, houses: &[House]) -> Vec<Footprint> {
    let index = Index::new(houses);
    let ways = data.ways().filter(|way| is_building(way.tags));
    let of_ways =
        ways.filter_map(|way| Some((origin_of(Kind::Way, way.id), shape::of_way(data, &way)?.ring?)));
    let relations = data.relations().filter(|relation| is_building(relation.tags));
    let of_relations = relations.filter_map(|relation| {
        Some((origin_of(Kind::Relation, relation.id), shape::of_relation(data, &relation)?.ring?))
    });
    of_ways
        .chain(of_relations)
        .filter_map(|(origin, ring)| {
            let houses = index.inside(houses, origin, &ring);
            (!houses.is_empty()).then_some(Footprint { ring, houses })
        })
        .collect()
}

fn is_building(tags: Tags<'_>) -> bool {
    tags.get("building").is_some_and(|kind| kind != "no") || tags.get("addr:housenumber").is_some()
}

struct Index {
    cells: HashMap<(i32, i32), Vec<u32>>,
    by_origin: HashMap<Origin, Vec<u32>>,
}

impl Index {
    fn new(houses: &[House]) -> Self {
        let mut index = Self { cells: HashMap::new(), by_origin: HashMap::new() };
        for (at, house) in houses.iter().enumerate() {
            let Ok(at) = u32::try_from(at) else { break };
            for point in house.points() {
                index.cells.entry(cell_of(point)).or_default().push(at);
            }
            if !house.interpolated {
                index.by_origin.entry(house.origin).or_default().push(at);
            }
        }
        index
    }

    /// The houses that the outline itself names, and those of which a point lies in it.
    fn inside(&self, houses: &[House], origin: Origin, ring: &[Point]) -> Vec<u32> {
        let mut found = self.by_origin.get(&origin).cloned().unwrap_or_default();
        let Some(bounds) = Bounds::around(ring.iter().copied()) else { return found };
        let (low, high) = (cell_of(bounds.min), cell_of(bounds.max));
        if (high.0 - low.0 + 1).saturating_mul(high.1 - low.1 + 1) > MOST_CELLS {
            return found;
        }
        for cell in (low.0..=high.0).flat_map(|row| (low.1..=high.1).map(move |column| (row, column))) {
            let candidates = self.cells.get(&cell).into_iter().flatten();
            let lies_in = |at: &&u32| houses[**at as usize].points().any(|point| ring_contains(ring, point));
            found.extend(candidates.filter(lies_in));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn cell_of(point: Point) -> (i32, i32) {
    (point.lat_e7.div_euclid(CELL_E7), point.lon_e7.div_euclid(CELL_E7))
}
