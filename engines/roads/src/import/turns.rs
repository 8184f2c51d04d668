//! The graph that is searched: its nodes are directed edges (a segment in one direction), its arcs are the turns that
//! are allowed. So turn restrictions and turn costs need nothing special in the search. A restriction over ways adds
//! copies of its edges: whoever comes from the restricted way drives on the copies, from which the turn is missing.

use std::collections::HashMap;

use osm::Point;

use super::restrictions::{Restriction, Via};
use super::streets::{Streets, whole_ms};
use crate::cost::LAST_METRES;
use crate::profile::Profile;
use crate::time::Schedule;

/// How far from a junction a road's direction is taken, in metres: the first metres are often a kerb radius.
const BEARING_M: f64 = 10.0;
/// A restriction over ways has few segments; a longer one is a mistake in the map.
const MAX_CHAIN: usize = 40;

/// Nodes and arcs. A raw edge is `segment * 2 + direction`, direction 1 being backwards.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Raw edge of each node. The first nodes, one for each raw edge that can be driven, are no copies.
    pub(super) raw: Vec<u32>,
    pub(super) plain: usize,
    pub(super) first: Vec<u32>,
    pub(super) heads: Vec<u32>,
    /// Cost of the turn, without the edge that it leads to.
    pub(super) costs: Vec<u32>,
    /// Arcs that are closed while the schedule holds.
    pub(super) closed: Vec<(u32, Schedule)>,
    pub(super) restrictions_used: usize,
    pub(super) restrictions_skipped: usize,
}

/// A rule on turning from one edge.
struct TurnRule {
    to: Vec<u32>,
    only: bool,
    schedule: Option<Schedule>,
}

impl TurnRule {
    fn forbids(&self, edge: u32) -> bool {
        self.to.contains(&edge) != self.only
    }
}

struct Builder<'a> {
    streets: &'a Streets,
    profile: &'a Profile,
    left_hand: bool,
    /// Raw edges that leave each junction.
    leaving: Vec<Vec<u32>>,
    /// Number of segments at each junction.
    roads: Vec<u32>,
    /// Bearings in degrees at the start and at the end of each raw edge.
    bearings: Vec<[f64; 2]>,
    at_edge: HashMap<u32, Vec<TurnRule>>,
    /// Edges driven so far, first the one that the restriction comes from: node of the copy.
    copies: HashMap<Vec<u32>, u32>,
    at_copy: HashMap<u32, Vec<TurnRule>>,
    node_of: Vec<u32>,
    turns: Turns,
}

pub(super) fn build(
    streets: &Streets,
    restrictions: &[Restriction],
    profile: &Profile,
    left_hand: bool,
) -> Turns {
    let mut builder = Builder {
        streets,
        profile,
        left_hand,
        leaving: vec![Vec::new(); streets.junctions.len()],
        roads: vec![0; streets.junctions.len()],
        bearings: Vec::new(),
        at_edge: HashMap::new(),
        copies: HashMap::new(),
        at_copy: HashMap::new(),
        node_of: vec![u32::MAX; streets.segments.len() * 2],
        turns: Turns::default(),
    };
    builder.add_edges();
    for restriction in restrictions {
        let used = match &restriction.via {
            Via::Node(node) => builder.restrict_at_node(*node, restriction),
            Via::Ways(ways) => builder.restrict_over_ways(ways, restriction),
        };
        let count =
            if used { &mut builder.turns.restrictions_used } else { &mut builder.turns.restrictions_skipped };
        *count += 1;
    }
    builder.add_turns();
    builder.turns
}

impl Builder<'_> {
    fn add_edges(&mut self) {
        for (index, segment) in (0u32..).zip(&self.streets.segments) {
            for (direction, travel) in (0u32..).zip(segment.travel) {
                let raw = index * 2 + direction;
                self.bearings.push(bearings(&self.streets.points[segment.points.clone()], direction == 1));
                if travel.is_some() {
                    self.node_of[raw as usize] =
                        u32::try_from(self.turns.raw.len()).expect("segments are below 2^29");
                    self.turns.raw.push(raw);
                    let tail = self.tail(raw) as usize;
                    self.leaving[tail].push(raw);
                }
            }
            self.roads[segment.from as usize] += 1;
            self.roads[segment.to as usize] += 1;
        }
        self.turns.plain = self.turns.raw.len();
    }

    fn tail(&self, raw: u32) -> u32 {
        let segment = &self.streets.segments[raw as usize / 2];
        if raw.is_multiple_of(2) { segment.from } else { segment.to }
    }

    fn head(&self, raw: u32) -> u32 {
        self.tail(raw ^ 1)
    }

    fn way(&self, raw: u32) -> i64 {
        self.streets.segments[raw as usize / 2].way
    }

    /// Edges of a way that can be driven.
    fn edges_of(&self, way: i64) -> impl Iterator<Item = u32> {
        let segments = self.streets.of_way.get(&way).cloned().unwrap_or(0..0);
        segments
            .flat_map(|segment| [segment * 2, segment * 2 + 1])
            .filter(|raw| self.node_of[*raw as usize] != u32::MAX)
    }

    fn leaving_to(&self, junction: u32, ways: &[i64]) -> Vec<u32> {
        let leaving = self.leaving[junction as usize].iter().copied();
        leaving.filter(|raw| ways.contains(&self.way(*raw))).collect()
    }

    fn restrict_at_node(&mut self, node: i64, restriction: &Restriction) -> bool {
        let Some(junction) = self.streets.junction_of_node.get(&node).copied() else { return false };
        let to = self.leaving_to(junction, &restriction.to);
        let from: Vec<u32> = restriction
            .from
            .iter()
            .flat_map(|way| self.edges_of(*way))
            .filter(|raw| self.head(*raw) == junction)
            .collect();
        // A restriction to a road that is not there would close everything else.
        if to.is_empty() || from.is_empty() {
            return false;
        }
        for edge in from {
            self.at_edge.entry(edge).or_default().push(TurnRule {
                to: to.clone(),
                only: restriction.only,
                schedule: restriction.schedule.clone(),
            });
        }
        true
    }

    fn restrict_over_ways(&mut self, via: &[i64], restriction: &Restriction) -> bool {
        let from: Vec<u32> = restriction.from.iter().flat_map(|way| self.edges_of(*way)).collect();
        let mut used = false;
        for edge in from {
            let Some(chain) = self.chain(edge, via, &restriction.to) else { continue };
            let last = *chain.last().expect("the edge itself at least");
            let to = self.leaving_to(self.head(last), &restriction.to);
            let node = self.copy_chain(&chain);
            self.at_copy.entry(node).or_default().push(TurnRule {
                to,
                only: restriction.only,
                schedule: restriction.schedule.clone(),
            });
            used = true;
        }
        used
    }

    /// The edges from `edge` along the ways until a road of `to` leaves; `None` when they do not meet.
    fn chain(&self, edge: u32, via: &[i64], to: &[i64]) -> Option<Vec<u32>> {
        let mut chain = vec![edge];
        for (index, way) in via.iter().enumerate() {
            let next: &[i64] = via.get(index + 1).map_or(to, std::slice::from_ref);
            let start = self.head(*chain.last()?);
            let options = self.leaving_to(start, std::slice::from_ref(way));
            let stretch = options
                .into_iter()
                .filter(|option| *option != chain[chain.len() - 1] ^ 1)
                .find_map(|option| self.along(option, next))?;
            chain.extend(stretch);
        }
        Some(chain)
    }

    /// Follows a way from an edge until one of the next ways leaves.
    fn along(&self, edge: u32, next: &[i64]) -> Option<Vec<u32>> {
        let mut stretch = vec![edge];
        while stretch.len() < MAX_CHAIN {
            let last = stretch[stretch.len() - 1];
            let junction = self.head(last);
            if self.leaving_to(junction, next).iter().any(|leaving| *leaving != last ^ 1) {
                return Some(stretch);
            }
            let on = self.leaving_to(junction, &[self.way(last)]);
            stretch.push(on.into_iter().find(|option| *option != last ^ 1)?);
        }
        None
    }

    /// Makes a copy for each edge after the first one, shared by restrictions that begin alike.
    fn copy_chain(&mut self, chain: &[u32]) -> u32 {
        let mut node = self.node_of[chain[0] as usize];
        for length in 2..=chain.len() {
            let next = u32::try_from(self.turns.raw.len()).expect("copies are few");
            node = *self.copies.entry(chain[..length].to_vec()).or_insert(next);
            if node == next {
                self.turns.raw.push(chain[length - 1]);
            }
        }
        node
    }

    fn add_turns(&mut self) {
        let mut prefixes: Vec<Vec<u32>> = self.turns.raw.iter().map(|raw| vec![*raw]).collect();
        for (prefix, node) in &self.copies {
            prefixes[*node as usize].clone_from(prefix);
        }
        self.turns.first.push(0);
        for (node, prefix) in (0u32..).zip(&prefixes) {
            self.add_turns_from(node, prefix);
            self.turns.first.push(u32::try_from(self.turns.heads.len()).expect("turns are below 2^32"));
        }
    }

    fn add_turns_from(&mut self, node: u32, prefix: &[u32]) {
        let raw = self.turns.raw[node as usize];
        let junction = self.head(raw);
        let blocked = self.streets.junctions[junction as usize].marks.blocked;
        let leaving = self.leaving[junction as usize].clone();
        let dead_end = blocked || leaving.iter().all(|edge| *edge == raw ^ 1);
        for edge in leaving {
            let turns_round = edge == raw ^ 1;
            if edge == raw || turns_round != dead_end {
                continue;
            }
            let rules = [self.at_edge.get(&raw), self.at_copy.get(&node)];
            let forbidding: Vec<&TurnRule> =
                rules.into_iter().flatten().flatten().filter(|rule| rule.forbids(edge)).collect();
            if forbidding.iter().any(|rule| rule.schedule.is_none()) {
                continue;
            }
            let arc = u32::try_from(self.turns.heads.len()).expect("turns are below 2^32");
            self.turns
                .closed
                .extend(forbidding.iter().filter_map(|rule| Some((arc, rule.schedule.clone()?))));
            self.turns.heads.push(self.node_after(prefix, edge));
            self.turns.costs.push(self.cost(raw, edge, junction));
        }
    }

    /// The copy that goes on, or begins, a restriction over ways; else the edge itself.
    fn node_after(&self, prefix: &[u32], edge: u32) -> u32 {
        if self.copies.is_empty() {
            return self.node_of[edge as usize];
        }
        let longer: Vec<u32> = prefix.iter().copied().chain([edge]).collect();
        let begun = [prefix[prefix.len() - 1], edge];
        let copy = self.copies.get(&longer).or_else(|| self.copies.get(&begun[..]));
        copy.copied().unwrap_or(self.node_of[edge as usize])
    }

    fn cost(&self, from: u32, to: u32, junction: u32) -> u32 {
        let (a, b) = (&self.streets.segments[from as usize / 2], &self.streets.segments[to as usize / 2]);
        let marks = self.streets.junctions[junction as usize].marks;
        let mut seconds = 0.0;
        if from ^ 1 == to {
            seconds += self.profile.u_turn_s;
        } else if self.roads[junction as usize] > 2 {
            let angle = self.bearings[to as usize][0] - self.bearings[from as usize][1];
            seconds += turn_s(self.profile, signed(angle), self.left_hand);
        }
        if marks.signal[(from % 2) as usize] {
            seconds += self.profile.signal_s;
        }
        if b.ferry && !a.ferry {
            seconds += self.profile.ferry_wait_s;
        }
        let gate = marks.gate && !(a.last_metres && b.last_metres);
        let enters = (b.last_metres && !a.last_metres) || gate;
        whole_ms(seconds * 1_000.0) + if enters { LAST_METRES } else { 0 }
    }
}

/// An S-curve over the angle: nothing straight on, everything at a sharp turn, with its middle at a right angle. A turn
/// across the oncoming traffic (left where people drive on the right) costs a little more than the other one.
fn turn_s(profile: &Profile, angle: f64, left_hand: bool) -> f64 {
    let to_kerb = (angle >= 0.0) != left_hand;
    let bias = if to_kerb { 1.0 / profile.turn_bias } else { profile.turn_bias };
    profile.turn_s / (1.0 + (6.5 / bias - 13.0 * bias * angle.abs() / 180.0).exp())
}

/// To -180..=180, right positive.
fn signed(degrees: f64) -> f64 {
    let turned = degrees.rem_euclid(360.0);
    if turned > 180.0 { turned - 360.0 } else { turned }
}

/// Bearings when leaving the start and when reaching the end.
fn bearings(points: &[Point], backwards: bool) -> [f64; 2] {
    let there = bearing_from(points.iter().copied());
    let back = bearing_from(points.iter().rev().copied());
    if backwards { [back, (there + 180.0) % 360.0] } else { [there, (back + 180.0) % 360.0] }
}

/// From the first point to the one some metres along.
fn bearing_from(points: impl Iterator<Item = Point>) -> f64 {
    let mut points = points.peekable();
    let Some(start) = points.next() else { return 0.0 };
    let mut last = start;
    for point in points {
        last = point;
        if start.distance_m(point) >= BEARING_M {
            break;
        }
    }
    crate::geometry::bearing(start, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_costs_more_the_sharper_and_more_across_the_oncoming_traffic() {
        let car = Profile::embedded("car").unwrap();
        let right = |angle: f64| turn_s(&car, angle, false);
        assert!(right(0.0) < 0.05);
        assert!(right(90.0) < right(-90.0));
        assert!(right(45.0) < right(90.0) && right(90.0) < right(150.0));
        assert!((turn_s(&car, 90.0, true) - right(-90.0)).abs() < 1e-9, "mirrored in left-hand traffic");
        assert!(right(180.0) < 7.5 && right(180.0) > 7.3);
    }

    #[test]
    fn a_road_bends_after_its_first_metres() {
        let east = Point::from_degrees(0.0, 0.000_01);
        let points = [Point::default(), east, Point::from_degrees(0.01, 0.000_01)];
        let [start, end] = bearings(&points, false);
        assert!(start < 5.0 && end < 5.0, "{start} {end}");
        let [start, end] = bearings(&points, true);
        assert!((start - 180.0).abs() < 5.0 && (end - 180.0).abs() < 5.0, "{start} {end}");
    }
}
