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

/// A place on a road of one network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snap {
    /// The place.
    pub point: Point,
    /// From the point that was asked for.
    pub distance_m: f64,
    pub(crate) segment: u32,
    /// From the start of the segment, in parts of it.
    pub(crate) along: u32,
    /// Directions in which the place may be left or reached: along the segment, against it.
    pub(crate) directions: [bool; 2],
}

impl Network {
    /// The next place on a road; with a heading (degrees, 0 north, 90 east) on one that runs that way, if there is one.
    pub fn snap(&self, point: Point, heading: Option<f64>) -> Result<Snap, Error> {
        let limit_m = self.profile().max_snap_m;
        let with_heading = heading.and_then(|_| self.nearest(point, heading, limit_m));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 5000")]
        let too_far = Error::TooFar { limit_m: limit_m as u32 };
        with_heading.or_else(|| self.nearest(point, None, limit_m)).ok_or(too_far)
    }

    fn nearest(&self, point: Point, heading: Option<f64>, limit_m: f64) -> Option<Snap> {
        let graph = &self.roads.graph;
        let (shape, first, pieces) = graph.grid();
        let [south, west, height, width, rows, columns] = shape.map(i64::from);
        let flat = Flat::around(point);
        let mut search = Search { graph, point, flat, heading, best: None };
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
            let found_m2 = search.best.map_or(f64::INFINITY, |best| best.m2);
            if found_m2 <= reach_m * reach_m || reach_m >= limit_m {
                return search
                    .best
                    .filter(|best| best.m2 <= limit_m * limit_m)
                    .map(|best| search.place(best));
            }
            reach_m = (reach_m * 2.5).min(limit_m);
        }
    }

    /// Where a vehicle at the place is in the search, with the long cost to the end of the edge.
    pub(crate) fn starts(&self, weights: &Weights, place: &Snap) -> Vec<Start> {
        directed(place)
            .filter_map(|(directed, along)| {
                let edge = self.roads.graph.edge_on(directed)?;
                Some((edge, self.rest(weights, edge, along)))
            })
            .collect()
    }

    /// Where the search reaches the place, with the long cost from there to the end of the edge.
    pub(crate) fn ends(&self, weights: &Weights, place: &Snap) -> Vec<Start> {
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
fn directed(place: &Snap) -> impl Iterator<Item = (u32, u32)> {
    let (segment, along) = (place.segment, place.along);
    let directions = [(segment * 2, along), (segment * 2 + 1, PARTS - along)];
    directions.into_iter().zip(place.directions).filter(|(_, usable)| *usable).map(|(directed, _)| directed)
}

/// What is left of a quantity after some parts of it.
pub(crate) fn rest(of: u32, along: u32) -> u32 {
    let done = u64::from(of) * u64::from(along.min(PARTS)) / u64::from(PARTS);
    of - u32::try_from(done).expect("a part is no more than the whole")
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
    best: Option<Best>,
}

impl Search<'_> {
    fn look_at(&mut self, piece: u32) {
        let (a, b) = (self.graph.point(piece), self.graph.point(piece + 1));
        let (share, m2) = geometry::nearest_on(self.flat.metres(a), self.flat.metres(b));
        let found = self.best.map_or((f64::INFINITY, u32::MAX), |best| (best.m2, best.piece));
        // Of equally near pieces the first one counts, so that the answer does not depend on the order of the search.
        if (m2, piece) >= found {
            return;
        }
        let segment = self.graph.segment_of_piece(piece);
        let open = [segment * 2, segment * 2 + 1].map(|directed| self.graph.edge_on(directed).is_some());
        let directions = match self.heading {
            Some(heading) => {
                let bearing = geometry::bearing(a, b);
                let runs = |degrees: f64| (degrees - heading + 180.0).rem_euclid(360.0) - 180.0;
                [
                    open[0] && runs(bearing).abs() <= HEADING_TOLERANCE,
                    open[1] && runs(bearing + 180.0).abs() <= HEADING_TOLERANCE,
                ]
            }
            None => open,
        };
        if directions != [false; 2] {
            self.best = Some(Best { piece, segment, share, m2, directions });
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the parts")]
    fn place(&self, best: Best) -> Snap {
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
        Snap {
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
