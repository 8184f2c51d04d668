//! The quickest route between two points.

use osm::Point;

use crate::cost;
use crate::error::Error;
use crate::geometry;
use crate::hierarchy::Weights;
use crate::hierarchy::path::{self, Start};
use crate::network::Network;
use crate::snap::{PARTS, Snap, Spot, rest};
use crate::steps::{self, Step};
use crate::time::TimeOfWeek;

/// A route.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// From place to place, in seconds.
    pub duration_s: f64,
    /// From place to place, along the roads.
    pub distance_m: f64,
    /// Seconds by class of road, in the order of [`crate::Profile::class_names`], turns last; together the duration.
    pub class_s: Vec<f64>,
    /// From the place at the start to the place at the end.
    pub geometry: Vec<Point>,
    /// What to do on the way, in order.
    pub steps: Vec<Step>,
    /// The place where it starts: another one than was asked for, where that is cut off.
    pub from: Snap,
    /// The place where it ends, likewise.
    pub to: Snap,
}

/// A way through the search graph.
pub(crate) struct Way {
    /// Long cost from place to place.
    pub(crate) cost: u64,
    pub(crate) edges: Vec<u32>,
    pub(crate) from: Spot,
    pub(crate) to: Spot,
}

impl Network {
    /// The quickest route between the places on the roads next to two points.
    pub fn route(&self, from: Point, to: Point, when: Option<TimeOfWeek>) -> Result<Route, Error> {
        self.route_between(&self.snap(from, None)?, &self.snap(to, None)?, when)
    }

    /// The quickest route between two places of this network's roads.
    pub fn route_between(&self, from: &Snap, to: &Snap, when: Option<TimeOfWeek>) -> Result<Route, Error> {
        let weights = self.weights(when);
        let way = self.way(&weights, from, to).ok_or(Error::NoRoute)?;
        let stretches = self.stretches(&way);
        let duration_s = f64::from(cost::ms(cost::of_long(way.cost))) / 1_000.0;
        Ok(Route {
            duration_s,
            class_s: self.by_class(&weights, &stretches, duration_s),
            distance_m: f64::from(cost::decimetres(way.cost)) / 10.0,
            geometry: stretches.iter().flat_map(|stretch| stretch.points.iter().copied()).fold(
                Vec::new(),
                |mut line, point| {
                    if line.last() != Some(&point) {
                        line.push(point);
                    }
                    line
                },
            ),
            steps: steps::describe(self, &weights, &stretches),
            from: from.at(&way.from),
            to: to.at(&way.to),
        })
    }

    /// Time and distance only: seconds and metres.
    pub fn duration(&self, from: &Snap, to: &Snap, when: Option<TimeOfWeek>) -> Result<(f64, f64), Error> {
        let way = self.way(&self.weights(when), from, to).ok_or(Error::NoRoute)?;
        Ok((
            f64::from(cost::ms(cost::of_long(way.cost))) / 1_000.0,
            f64::from(cost::decimetres(way.cost)) / 10.0,
        ))
    }

    /// Within a part that is cut off if both places are in it, else in the core.
    pub(crate) fn way(&self, weights: &Weights, from: &Snap, to: &Snap) -> Option<Way> {
        let part = self.cut_off(from);
        let both = part.is_some() && part == self.cut_off(to);
        let within = both.then(|| self.way_between(weights, &from.near, &to.near)).flatten();
        within.or_else(|| self.way_between(weights, from.core.as_ref()?, to.core.as_ref()?))
    }

    /// The part that the next road belongs to, if that is cut off from the core.
    pub(crate) fn cut_off(&self, place: &Snap) -> Option<u32> {
        Some(self.roads.graph.component[place.near.segment as usize]).filter(|part| *part != 0)
    }

    pub(crate) fn way_between(&self, weights: &Weights, from: &Spot, to: &Spot) -> Option<Way> {
        let found = |(cost, edges)| Way { cost, edges, from: *from, to: *to };
        self.cheapest(weights, from, to).map(found)
    }

    fn cheapest(&self, weights: &Weights, from: &Spot, to: &Spot) -> Option<(u64, Vec<u32>)> {
        let (starts, ends) = (self.starts(weights, from), self.ends(weights, to));
        if from.segment != to.segment {
            return self.search(weights, &starts, &ends);
        }
        // On one segment each pair is a case of its own: ahead, or behind and therefore once round.
        let pairs = starts.iter().flat_map(|start| ends.iter().map(move |end| (start, end)));
        pairs
            .filter_map(|(start, end)| {
                if start.0 != end.0 {
                    self.search(weights, &[*start], &[*end])
                } else if is_ahead(start.1, end.1) {
                    Some((cost::less(start.1, end.1), vec![start.0]))
                } else {
                    self.once_round(weights, start, end)
                }
            })
            .min_by_key(|(cost, _)| *cost)
    }

    /// From the end of an edge back to a place on it.
    fn once_round(&self, weights: &Weights, start: &Start, end: &Start) -> Option<(u64, Vec<u32>)> {
        let graph = &self.roads.graph;
        let starts: Vec<Start> = graph
            .turns(start.0)
            .filter(|turn| weights.turns[*turn] < cost::NEVER_LONG)
            .map(|turn| (graph.turn_head[turn], start.1 + weights.turns[turn]))
            .collect();
        let (cost, mut edges) = self.search(weights, &starts, &[*end])?;
        edges.insert(0, start.0);
        Some((cost, edges))
    }

    /// The places are on different edges: every way reaches the end of the last edge, so its rest is taken off.
    fn search(&self, weights: &Weights, starts: &[Start], ends: &[Start]) -> Option<(u64, Vec<u32>)> {
        let most = |part: fn(u64) -> u32| ends.iter().map(|end| part(end.1)).max().unwrap_or(0);
        let shift = cost::long(most(cost::of_long), most(cost::decimetres));
        let shifted: Vec<Start> = ends.iter().map(|(edge, rest)| (*edge, cost::less(shift, *rest))).collect();
        let (graph, hierarchy) = (&self.roads.graph, &self.roads.hierarchy);
        let (found, edges) = self
            .with_workspace(|work| path::search(graph, hierarchy, weights, work, [starts, &shifted[..]]))?;
        Some((cost::less(found, shift), edges))
    }

    fn by_class(&self, weights: &Weights, driven: &[DrivenEdge], duration_s: f64) -> Vec<f64> {
        let graph = &self.roads.graph;
        let mut seconds = vec![0.0; graph.meta.profile.class_names().len() + 1];
        for edge in driven {
            let all = weights.edge_ms[edge.edge as usize];
            let part = rest(all, edge.start).saturating_sub(rest(all, edge.end));
            seconds[usize::from(graph.flags(edge.directed / 2).class)] += f64::from(part) / 1_000.0;
        }
        let turns = duration_s - seconds.iter().sum::<f64>();
        if let Some(last) = seconds.last_mut() {
            *last = turns.max(0.0);
        }
        seconds
    }

    /// The route edge by edge, cut at its ends.
    fn stretches(&self, way: &Way) -> Vec<DrivenEdge> {
        let Way { edges, from, to, .. } = way;
        let last = edges.len() - 1;
        let along = |directed: u32, place: &Spot| {
            if directed.is_multiple_of(2) { place.along } else { PARTS - place.along }
        };
        let cut = |(index, edge): (usize, &u32)| {
            let directed = self.roads.graph.segment_of_edge[*edge as usize];
            let start = if index == 0 { along(directed, from) } else { 0 };
            let end = if index == last { along(directed, to) } else { PARTS };
            let mut points = part_of(&self.roads.graph.line(directed), start, end);
            if index == 0 {
                points[0] = from.point;
            }
            if index == last {
                *points.last_mut().expect("a line has two ends") = to.point;
            }
            DrivenEdge { edge: *edge, directed, start, end, points }
        };
        edges.iter().enumerate().map(cut).collect()
    }
}

/// An edge of a route, or the part of it that is driven.
pub(crate) struct DrivenEdge {
    pub(crate) edge: u32,
    pub(crate) directed: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) points: Vec<Point>,
}

/// Both on one edge, by what is left of it: time decides, and distance where an edge takes hardly any.
fn is_ahead(from_rest: u64, to_rest: u64) -> bool {
    cost::of_long(from_rest) >= cost::of_long(to_rest)
        && cost::decimetres(from_rest) >= cost::decimetres(to_rest)
}

/// The part of a line between two of its places.
pub(crate) fn part_of(line: &[Point], start: u32, end: u32) -> Vec<Point> {
    let share = |along: u32| f64::from(along) / f64::from(PARTS);
    let lengths: Vec<f64> = line.windows(2).map(|pair| pair[0].distance_m(pair[1])).collect();
    let total: f64 = lengths.iter().sum();
    let (from_m, to_m) = (share(start) * total, share(end) * total);
    let at = |wanted: f64| {
        let mut done = 0.0;
        for (pair, length) in line.windows(2).zip(&lengths) {
            if done + length >= wanted && *length > 0.0 {
                return geometry::between(pair[0], pair[1], ((wanted - done) / length).clamp(0.0, 1.0));
            }
            done += length;
        }
        line[line.len() - 1]
    };
    let mut part = vec![if start == 0 { line[0] } else { at(from_m) }];
    let mut done = 0.0;
    for (point, length) in line[1..].iter().zip(&lengths) {
        done += length;
        if done > from_m && done < to_m {
            part.push(*point);
        }
    }
    part.push(if end == PARTS { line[line.len() - 1] } else { at(to_m) });
    part
}
