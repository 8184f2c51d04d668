//! The place on a road that is next to a point.

use osm::Point;

use crate::cost;
use crate::error::Error;
use crate::geometry::{self, Flat};
use crate::graph::Graph;
use crate::hierarchy::Weights;
use crate::hierarchy::path::Start;
use crate::network::Network;

/// Parts that an edge is measured in.
pub(crate) const PARTS: u32 = 1 << 16;
/// A vehicle that heads one way is on a road that runs within this angle of it, in degrees.
const HEADING_TOLERANCE: f64 = 60.0;

/// How much farther than a road at all a road of the core may be, for a place whose next road is cut off from it.
const CUT_OFF: f64 = 5.0;

/// A place on a road of one network.
///
/// Where the next road is cut off from the rest (an island, a village whose road to the rest lies outside of the extract,
/// a road that leaves the extract one way), routes to and from elsewhere end and begin on the next road that is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snap {
    /// The place.
    pub point: Point,
    /// From the point that was asked for.
    pub distance_m: f64,
    /// On the next road of all.
    pub(crate) near: Spot,
    /// On the next road of the core.
    pub(crate) core: Option<Spot>,
}

/// A place on a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) point: Point,
    /// From the point that was asked for.
    pub(crate) distance_m: f64,
    pub(crate) segment: u32,
    /// From the start of the segment, in parts of it.
    pub(crate) along: u32,
    /// Directions in which the place may be left or reached: along the segment, against it.
    pub(crate) directions: [bool; 2],
}

impl Snap {
    /// The same place, but shown where a route really begins or ends.
    pub(crate) fn at(self, spot: &Spot) -> Self {
        Self { point: spot.point, distance_m: spot.distance_m, ..self }
    }
}

impl Network {
    /// The next place on a road; with a heading (degrees, 0 north, 90 east) on one that runs that way, if there is one.
    pub fn snap(&self, point: Point, heading: Option<f64>) -> Result<Snap, Error> {
        let limit_m = self.profile().max_snap_m;
        let mut found = self.nearest(point, heading, limit_m);
        if heading.is_some() && found.contains(&None) {
            merge(&mut found, self.nearest(point, None, limit_m));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 5000")]
        let near = found[0].ok_or(Error::TooFar { limit_m: limit_m as u32 })?;
        if found.contains(&None) {
            merge(&mut found, self.nearest(point, None, limit_m * CUT_OFF));
        }
        Ok(Snap { point: near.point, distance_m: near.distance_m, near, core: found[1] })
    }

    /// The next place of all and the next one in the core.
    fn nearest(&self, point: Point, heading: Option<f64>, limit_m: f64) -> [Option<Spot>; 2] {
        let graph = &self.roads.graph;
        let (shape, first, pieces) = graph.grid();
        let [south, west, height, width, rows, columns] = shape.map(i64::from);
        let flat = Flat::around(point);
        let mut search = Search { graph, point, flat, heading, best: [None; 2] };
        // A square that grows until nothing outside of it can be nearer than what was found.
        let mut reach_m = (limit_m / 8.0).min(100.0);
        loop {
            let [lat, lon] = flat.reach_e7(reach_m).map(whole);
            let row = |lat: i64| (lat - south).div_euclid(height).clamp(-1, rows);
            let column = |lon: i64| (lon - west).div_euclid(width).clamp(-1, columns);
            let (here_lat, here_lon) = (i64::from(point.lat_e7), i64::from(point.lon_e7));
            for r in row(here_lat - lat).max(0)..=row(here_lat + lat).min(rows - 1) {
                for c in column(here_lon - lon).max(0)..=column(here_lon + lon).min(columns - 1) {
                    let cell = usize::try_from(r * columns + c).expect("within the grid");
                    for piece in &pieces[first[cell] as usize..first[cell + 1] as usize] {
                        search.look_at(*piece);
                    }
                }
            }
            if search.best.iter().all(|best| distance2(best.as_ref()) <= reach_m * reach_m)
                || reach_m >= limit_m
            {
                let within = |best: &Best| best.m2 <= limit_m * limit_m;
                return search.best.map(|best| best.filter(within).map(|best| search.spot(&best)));
            }
            reach_m = (reach_m * 2.5).min(limit_m);
        }
    }

    /// Where a vehicle at the place is in the search, with the long cost to the end of the edge.
    pub(crate) fn starts(&self, weights: &Weights, place: &Spot) -> Vec<Start> {
        directed(place)
            .filter_map(|(directed, along)| {
                let edge = self.roads.graph.edge_on(directed)?;
                Some((edge, self.rest(weights, edge, along)))
            })
            .collect()
    }

    /// Where the search reaches the place, with the long cost from there to the end of the edge.
    pub(crate) fn ends(&self, weights: &Weights, place: &Spot) -> Vec<Start> {
        let edges = directed(place)
            .flat_map(|(directed, along)| self.roads.graph.edges_on(directed).map(move |edge| (edge, along)));
        edges.map(|(edge, along)| (edge, self.rest(weights, edge, along))).collect()
    }

    fn rest(&self, weights: &Weights, edge: u32, along: u32) -> u64 {
        let segment = self.roads.graph.segment_of_edge[edge as usize] / 2;
        let length = self.roads.graph.length[segment as usize];
        cost::long(rest(weights.edge_ms[edge as usize], along), rest(length, along))
    }
}

/// The directed segments on which a place may be left or reached, with the parts before it.
fn directed(place: &Spot) -> impl Iterator<Item = (u32, u32)> {
    let (segment, along) = (place.segment, place.along);
    let directions = [(segment * 2, along), (segment * 2 + 1, PARTS - along)];
    directions.into_iter().zip(place.directions).filter(|(_, usable)| *usable).map(|(directed, _)| directed)
}

/// What is left of a quantity after some parts of it.
pub(crate) fn rest(of: u32, along: u32) -> u32 {
    let done = u64::from(of) * u64::from(along.min(PARTS)) / u64::from(PARTS);
    of - u32::try_from(done).expect("a part is no more than the whole")
}

/// Takes over what was not found yet.
fn merge(found: &mut [Option<Spot>; 2], other: [Option<Spot>; 2]) {
    for (found, other) in found.iter_mut().zip(other) {
        *found = found.or(other);
    }
}

/// Whether a line runs the way that a vehicle heads, in its direction and against it.
fn directions_along(heading: f64, a: Point, b: Point) -> [bool; 2] {
    let bearing = geometry::bearing(a, b);
    [bearing, bearing + 180.0].map(|degrees| {
        let off = (degrees - heading + 180.0).rem_euclid(360.0) - 180.0;
        off.abs() <= HEADING_TOLERANCE
    })
}

fn distance2(best: Option<&Best>) -> f64 {
    best.map_or(f64::INFINITY, |best| best.m2)
}

#[derive(Clone, Copy)]
struct Best {
    piece: u32,
    segment: u32,
    share: f64,
    m2: f64,
    directions: [bool; 2],
}

struct Search<'a> {
    graph: &'a Graph,
    point: Point,
    flat: Flat,
    heading: Option<f64>,
    /// Of all, and in the core.
    best: [Option<Best>; 2],
}

impl Search<'_> {
    fn look_at(&mut self, piece: u32) {
        let (a, b) = (self.graph.point(piece), self.graph.point(piece + 1));
        let (share, m2) = geometry::nearest_on(self.flat.metres(a), self.flat.metres(b));
        // Of equally near pieces the first one counts, so that the answer does not depend on the order of the search.
        let is_nearer = |best: &Option<Best>| best.is_none_or(|best| (m2, piece) < (best.m2, best.piece));
        if !self.best.iter().any(is_nearer) {
            return;
        }
        let segment = self.graph.segment_of_piece(piece);
        let runs = self.heading.map_or([true; 2], |heading| directions_along(heading, a, b));
        let open = [0, 1].map(|direction| {
            runs[direction as usize] && self.graph.edge_on(segment * 2 + direction).is_some()
        });
        if open == [false; 2] {
            return;
        }
        let found = Best { piece, segment, share, m2, directions: open };
        let is_core = self.graph.component[segment as usize] == 0;
        for best in self.best.iter_mut().take(if is_core { 2 } else { 1 }).filter(|best| is_nearer(best)) {
            *best = Some(found);
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the parts")]
    fn spot(&self, best: &Best) -> Spot {
        let points = self.graph.points_of(best.segment);
        let lengths: Vec<f64> = (points.start..points.end - 1)
            .map(|p| self.graph.point(p).distance_m(self.graph.point(p + 1)))
            .collect();
        let before = (best.piece - points.start) as usize;
        let done = lengths[..before].iter().sum::<f64>() + lengths[before] * best.share;
        let total: f64 = lengths.iter().sum();
        let share = if total > 0.0 { (done / total).clamp(0.0, 1.0) } else { 0.0 };
        let point =
            geometry::between(self.graph.point(best.piece), self.graph.point(best.piece + 1), best.share);
        Spot {
            point,
            distance_m: self.point.distance_m(point),
            segment: best.segment,
            along: (share * f64::from(PARTS)).round() as u32,
            directions: best.directions,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped before the cast")]
fn whole(e7: f64) -> i64 {
    e7.ceil().min(4e9) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_an_edge_is_all_at_its_start_and_nothing_at_its_end() {
        for whole in [1, 999, 1_000, u32::MAX] {
            assert_eq!(rest(whole, 0), whole);
            assert_eq!(rest(whole, PARTS), 0);
            assert_eq!(rest(whole, PARTS + 1), 0);
        }
        assert_eq!(rest(1_000, PARTS / 4), 750);
    }
}
