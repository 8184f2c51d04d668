//! What to do on the way: one step for each street, turn, roundabout and ferry.

use osm::Point;

use crate::geometry;
use crate::hierarchy::Weights;
use crate::network::Network;
use crate::route::DrivenEdge;
use crate::snap::rest;

/// Below this angle a road goes straight on, in degrees.
const STRAIGHT: f64 = 20.0;
const SLIGHT: f64 = 50.0;
const SHARP: f64 = 125.0;
const ROUND: f64 = 170.0;
/// How far from a junction a road's direction is taken, in metres.
const BEARING_M: f64 = 15.0;

/// What to do at the start of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manoeuvre {
    /// Set off.
    Depart,
    /// Straight on, into a street of another name.
    Continue,
    /// Half left.
    SlightLeft,
    /// Left.
    Left,
    /// Sharp left.
    SharpLeft,
    /// Half right.
    SlightRight,
    /// Right.
    Right,
    /// Sharp right.
    SharpRight,
    /// Turn round.
    UTurn,
    /// Through a roundabout and out of it at an exit, counted from 1; 0 when the route ends in it.
    Roundabout {
        /// The exit to take.
        exit: u8,
    },
    /// Take a ferry.
    Ferry,
    /// There.
    Arrive,
}

/// One step of a route.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What to do first.
    pub manoeuvre: Manoeuvre,
    /// The street that it leads along; empty when it has no name.
    pub name: String,
    /// Where it begins.
    pub point: Point,
    /// To the next step, in metres.
    pub distance_m: f64,
    /// To the next step, in seconds.
    pub duration_s: f64,
}

pub(crate) fn describe(network: &Network, weights: &Weights, driven: &[DrivenEdge]) -> Vec<Step> {
    let graph = &network.roads.graph;
    let mut steps: Vec<Step> = Vec::new();
    let mut exits = 0u8;
    for (index, edge) in driven.iter().enumerate() {
        let flags = graph.flags(edge.directed / 2);
        let before = index.checked_sub(1).map(|before| &driven[before]);
        let was_round = before.is_some_and(|before| graph.flags(before.directed / 2).roundabout);
        if flags.roundabout && was_round {
            exits = exits.saturating_add(u8::from(has_exit(network, &driven[index - 1], edge)));
        }
        let manoeuvre = match before {
            None => Some(Manoeuvre::Depart),
            Some(_) if flags.roundabout && !was_round => {
                exits = 0;
                Some(Manoeuvre::Roundabout { exit: 0 })
            }
            Some(_) if flags.roundabout => None,
            Some(_) if was_round => {
                leave_roundabout(&mut steps, exits.saturating_add(1), graph.segment_name(edge.directed / 2));
                None
            }
            Some(before) => turn(network, before, edge),
        };
        if let Some(manoeuvre) = manoeuvre {
            steps.push(Step {
                manoeuvre,
                name: graph.segment_name(edge.directed / 2).to_owned(),
                point: edge.points[0],
                distance_m: 0.0,
                duration_s: 0.0,
            });
        }
        let turn_ms = before.map_or(0, |before| turn_ms(network, before.edge, edge.edge));
        let step = steps.last_mut().expect("the first edge begins a step");
        let part = |of: u32| f64::from(rest(of, edge.start) - rest(of, edge.end));
        step.distance_m += part(graph.length[edge.directed as usize / 2]) / 10.0;
        step.duration_s += (part(weights.edge_ms[edge.edge as usize]) + f64::from(turn_ms)) / 1_000.0;
    }
    if let Some(point) = driven.last().and_then(|edge| edge.points.last()) {
        let name = steps.last().map(|step| step.name.clone()).unwrap_or_default();
        steps.push(Step {
            manoeuvre: Manoeuvre::Arrive,
            name,
            point: *point,
            distance_m: 0.0,
            duration_s: 0.0,
        });
    }
    steps
}

fn leave_roundabout(steps: &mut [Step], exit: u8, name: &str) {
    if let Some(step) = steps.last_mut() {
        if step.manoeuvre == (Manoeuvre::Roundabout { exit: 0 }) {
            step.manoeuvre = Manoeuvre::Roundabout { exit };
        }
        name.clone_into(&mut step.name);
    }
}

/// Between two edges of a roundabout a road leaves it.
fn has_exit(network: &Network, from: &DrivenEdge, to: &DrivenEdge) -> bool {
    let graph = &network.roads.graph;
    graph.turns(from.edge).any(|turn| {
        let head = graph.turn_head[turn];
        head != to.edge && !graph.flags(graph.segment_of_edge[head as usize] / 2).roundabout
    })
}

fn turn_ms(network: &Network, from: u32, to: u32) -> u32 {
    let graph = &network.roads.graph;
    let turn = graph.turns(from).find(|turn| graph.turn_head[*turn] == to);
    turn.map_or(0, |turn| crate::cost::ms(graph.turn_cost[turn]))
}

/// `None` where there is nothing to say: the street goes on.
fn turn(network: &Network, from: &DrivenEdge, to: &DrivenEdge) -> Option<Manoeuvre> {
    let graph = &network.roads.graph;
    let (a, b) = (from.directed / 2, to.directed / 2);
    if graph.flags(b).ferry && !graph.flags(a).ferry {
        return Some(Manoeuvre::Ferry);
    }
    if from.directed ^ 1 == to.directed {
        return Some(Manoeuvre::UTurn);
    }
    let angle = (bearing_of(to.points.iter()) - 180.0 - bearing_of(from.points.iter().rev()) + 180.0)
        .rem_euclid(360.0)
        - 180.0;
    let choice = graph.turns(from.edge).len() > 1;
    let same = graph.same_name(a, b);
    let size = angle.abs();
    if size < STRAIGHT || (same && size < SLIGHT) {
        return (!same && !graph.segment_name(b).is_empty()).then_some(Manoeuvre::Continue);
    }
    if !choice && same {
        return None;
    }
    Some(match (size, angle > 0.0) {
        (ROUND.., _) => Manoeuvre::UTurn,
        (SHARP.., true) => Manoeuvre::SharpRight,
        (SHARP.., false) => Manoeuvre::SharpLeft,
        (SLIGHT.., true) => Manoeuvre::Right,
        (SLIGHT.., false) => Manoeuvre::Left,
        (_, true) => Manoeuvre::SlightRight,
        (_, false) => Manoeuvre::SlightLeft,
    })
}

/// From the first point to the one some metres along.
fn bearing_of<'a>(mut points: impl Iterator<Item = &'a Point>) -> f64 {
    let Some(start) = points.next() else { return 0.0 };
    let mut last = *start;
    for point in points {
        last = *point;
        if start.distance_m(last) >= BEARING_M {
            break;
        }
    }
    geometry::bearing(*start, last)
}
