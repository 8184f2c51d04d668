//! Where one gets within a time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use osm::Point;

use crate::cost;
use crate::geometry::Flat;
use crate::network::Network;
use crate::route::part_of;
use crate::snap::{PARTS, Snap};
use crate::time::TimeOfWeek;

/// What is next to a road counts as reached up to here, in metres.
const BESIDE_M: f64 = 75.0;

/// A part of a road that is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// In the direction of travel.
    pub line: Vec<Point>,
    /// At its start, in seconds.
    pub from_s: f64,
    /// At its end, in seconds.
    pub to_s: f64,
}

/// Where one gets within a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// Parts of roads, in no particular order.
    pub stretches: Vec<Stretch>,
    /// Outlines of the reached ground: closed rings, counter-clockwise; holes run clockwise.
    pub rings: Vec<Vec<Point>>,
}

impl Network {
    /// Where one gets from a place within a time.
    pub fn reachable(&self, from: &Snap, seconds: u32, when: Option<TimeOfWeek>) -> Reach {
        let weights = self.weights(when);
        let graph = &self.roads.graph;
        let limit = u64::from(seconds) * 1_000;
        let mut queue = BinaryHeap::new();
        let mut ends: HashMap<u32, u64> = HashMap::new();
        let mut stretches = Vec::new();
        // Most of the map is in the core, as for routes to elsewhere.
        let from = &from.core.unwrap_or(from.near);
        for (edge, rest) in self.starts(&weights, from) {
            let directed = graph.segment_of_edge[edge as usize];
            let along = if directed.is_multiple_of(2) { from.along } else { PARTS - from.along };
            let rest_ms = u64::from(cost::of_long(rest));
            stretches.extend(self.stretch(directed, along, 0, rest_ms, limit));
            queue.push(Reverse((rest_ms, edge)));
        }
        while let Some(Reverse((time, edge))) = queue.pop() {
            if time > limit || ends.contains_key(&edge) {
                continue;
            }
            ends.insert(edge, time);
            for turn in graph.turns(edge).filter(|turn| weights.turns[*turn] < cost::NEVER_LONG) {
                let head = graph.turn_head[turn];
                let reached = time + u64::from(cost::ms(cost::of_long(weights.turns[turn])));
                let start = reached - u64::from(weights.edge_ms[head as usize]);
                if start <= limit && !ends.contains_key(&head) {
                    stretches.extend(self.stretch(
                        graph.segment_of_edge[head as usize],
                        0,
                        start,
                        reached,
                        limit,
                    ));
                    queue.push(Reverse((reached, head)));
                }
            }
        }
        let rings = outline(from.point, &stretches);
        Reach { stretches, rings }
    }

    /// The part of a directed segment from `along` that is reached within the limit; times are at its ends, in ms.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of hours")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the parts")]
    fn stretch(&self, directed: u32, along: u32, start: u64, end: u64, limit: u64) -> Option<Stretch> {
        let share = if end <= limit { 1.0 } else { (limit - start) as f64 / (end - start) as f64 };
        let to = along + (f64::from(PARTS - along.min(PARTS)) * share).round() as u32;
        (to > along).then(|| Stretch {
            line: part_of(&self.roads.graph.line(directed), along, to),
            from_s: start as f64 / 1_000.0,
            to_s: end.min(limit) as f64 / 1_000.0,
        })
    }
}

/// Outlines of the cells of a grid that are near a stretch.
fn outline(centre: Point, stretches: &[Stretch]) -> Vec<Vec<Point>> {
    let flat = Flat::around(centre);
    let [lat, lon] = flat.reach_e7(BESIDE_M);
    let cell_of = |point: Point| {
        let [x, y] = flat.metres(point);
        (whole(x / BESIDE_M), whole(y / BESIDE_M))
    };
    let mut cells: HashSet<(i64, i64)> = HashSet::new();
    for pair in stretches.iter().flat_map(|stretch| stretch.line.windows(2)) {
        let steps = (pair[0].distance_m(pair[1]) / (BESIDE_M / 2.0)).ceil().max(1.0);
        for step in 0..=whole(steps) {
            let share = f64_of(step) / steps;
            let (x, y) = cell_of(crate::geometry::between(pair[0], pair[1], share.min(1.0)));
            cells.extend((-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (x + dx, y + dy))));
        }
    }
    let corner = |(x, y): (i64, i64)| Point {
        lat_e7: narrow(f64::from(centre.lat_e7) + f64_of(y) * lat),
        lon_e7: narrow(f64::from(centre.lon_e7) + f64_of(x) * lon),
    };
    trace(&cells).into_iter().map(|ring| ring.into_iter().map(corner).collect()).collect()
}

/// Follows the edges between cells that are set and cells that are not, with what is set on the left.
fn trace(cells: &HashSet<(i64, i64)>) -> Vec<Vec<(i64, i64)>> {
    let mut next: HashMap<(i64, i64), Vec<(i64, i64)>> = HashMap::new();
    let mut sorted: Vec<_> = cells.iter().copied().collect();
    sorted.sort_unstable();
    for (x, y) in &sorted {
        let (x, y) = (*x, *y);
        let sides = [
            ((x, y - 1), (x, y), (x + 1, y)),
            ((x + 1, y), (x + 1, y), (x + 1, y + 1)),
            ((x, y + 1), (x + 1, y + 1), (x, y + 1)),
            ((x - 1, y), (x, y + 1), (x, y)),
        ];
        for (neighbour, from, to) in sides {
            if !cells.contains(&neighbour) {
                next.entry(from).or_default().push(to);
            }
        }
    }
    let mut rings = Vec::new();
    for (x, y) in sorted {
        for start in [(x, y), (x + 1, y + 1)] {
            while let Some(ring) = follow(start, &mut next) {
                rings.push(ring);
            }
        }
    }
    rings
}

fn follow(start: (i64, i64), next: &mut HashMap<(i64, i64), Vec<(i64, i64)>>) -> Option<Vec<(i64, i64)>> {
    let mut at = next.get_mut(&start)?.pop()?;
    let mut ring = vec![start, at];
    while at != start {
        let to = next.get_mut(&at)?.pop()?;
        let straight = ring.len() > 1 && {
            let before = ring[ring.len() - 2];
            (at.0 - before.0).signum() == (to.0 - at.0).signum()
                && (at.1 - before.1).signum() == (to.1 - at.1).signum()
        };
        if straight {
            ring.pop();
        }
        ring.push(to);
        at = to;
    }
    Some(ring)
}

#[expect(clippy::cast_possible_truncation, reason = "cells within a few hundred kilometres")]
fn whole(value: f64) -> i64 {
    value.floor() as i64
}

#[expect(clippy::cast_precision_loss, reason = "cells within a few hundred kilometres")]
fn f64_of(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, reason = "saturates at the edge of the map")]
fn narrow(value: f64) -> i32 {
    value.round() as i32
}
