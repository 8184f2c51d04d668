//! The quickest way between two points, with the edges on it.

use super::weights::{DOWN, UP};
use super::{Hierarchy, Weights, range};
use crate::cost::NEVER_LONG;
use crate::graph::{Graph, NO_EDGE};

/// A node where a search begins, with its long cost.
pub(crate) type Start = (u32, u64);

/// What a search upwards found, reused between searches.
pub(crate) struct Side {
    cost: Vec<u64>,
    /// The arc and the lower node over which a node was reached; [`NO_EDGE`] at a start.
    before: Vec<(u32, u32)>,
}

/// Memory of one search.
pub(crate) struct Workspace {
    from: Side,
    to: Side,
}

impl Workspace {
    pub(crate) fn new(nodes: usize) -> Self {
        let side = || Side { cost: vec![NEVER_LONG; nodes], before: vec![(NO_EDGE, NO_EDGE); nodes] };
        Self { from: side(), to: side() }
    }
}

/// The cheapest way: its long cost and its edges from first to last. `None` when there is none.
pub(crate) fn search(
    graph: &Graph,
    hierarchy: &Hierarchy,
    weights: &Weights,
    work: &mut Workspace,
    [from, to]: [&[Start]; 2],
) -> Option<(u64, Vec<u32>)> {
    let Workspace { from: there, to: back } = work;
    let mut best = (NEVER_LONG, NO_EDGE);
    walk::<UP>(graph, hierarchy, weights, there, from, |_, _| true);
    walk::<DOWN>(graph, hierarchy, weights, back, to, |node, cost| {
        // Unreached on one side is never the better sum.
        best = best.min((there.cost[node as usize] + cost, node));
        cost < best.0
    });
    let found =
        if best.0 < NEVER_LONG { unpack(graph, hierarchy, weights, there, back, best.1) } else { None };
    clear(hierarchy, there, from);
    clear(hierarchy, back, to);
    found.map(|path| (best.0, path))
}

/// Visits every ancestor of the starts, lowest first. Whether its arcs are relaxed is for `each` to say.
fn walk<const DIRECTION: usize>(
    graph: &Graph,
    hierarchy: &Hierarchy,
    weights: &Weights,
    side: &mut Side,
    starts: &[Start],
    mut each: impl FnMut(u32, u64) -> bool,
) {
    for (node, cost) in starts {
        let known = &mut side.cost[*node as usize];
        *known = (*known).min(*cost);
    }
    for_ancestors(hierarchy, starts, |node| {
        let cost = side.cost[node as usize];
        if cost >= NEVER_LONG || !each(node, cost) {
            return;
        }
        let arcs = range(&graph.up_first, node as usize);
        let heads = &graph.up_head[arcs.clone()];
        for ((arc, head), weight) in (arcs.start..).zip(heads).zip(&weights.arcs[arcs]) {
            let reached = cost + weight[DIRECTION];
            if reached < side.cost[*head as usize] {
                side.cost[*head as usize] = reached;
                side.before[*head as usize] = (u32::try_from(arc).expect("arcs are below 2^32"), node);
            }
        }
    });
}

/// Every node on the ways from the starts to their roots, once, lowest first.
fn for_ancestors(hierarchy: &Hierarchy, starts: &[Start], mut each: impl FnMut(u32)) {
    let mut at: Vec<u32> = starts.iter().map(|(node, _)| *node).collect();
    while let Some(lowest) = at.iter().copied().min() {
        each(lowest);
        match hierarchy.parent(lowest) {
            Some(parent) => at.iter_mut().filter(|node| **node == lowest).for_each(|node| *node = parent),
            None => at.retain(|node| *node != lowest),
        }
        at.dedup();
    }
}

fn clear(hierarchy: &Hierarchy, side: &mut Side, starts: &[Start]) {
    for_ancestors(hierarchy, starts, |node| {
        side.cost[node as usize] = NEVER_LONG;
        side.before[node as usize] = (NO_EDGE, NO_EDGE);
    });
}

fn unpack(
    graph: &Graph,
    hierarchy: &Hierarchy,
    weights: &Weights,
    there: &Side,
    back: &Side,
    meeting: u32,
) -> Option<Vec<u32>> {
    let mut up = Vec::new();
    let mut node = meeting;
    while there.before[node as usize].0 != NO_EDGE {
        let (arc, lower) = there.before[node as usize];
        up.push((arc, lower, node));
        node = lower;
    }
    let mut unpacker = Unpacker { graph, hierarchy, weights, path: vec![node] };
    for (arc, lower, higher) in up.into_iter().rev() {
        unpacker.arc(arc, UP, lower, higher)?;
    }
    node = meeting;
    while back.before[node as usize].0 != NO_EDGE {
        let (arc, lower) = back.before[node as usize];
        unpacker.arc(arc, DOWN, lower, node)?;
        node = lower;
    }
    Some(unpacker.path)
}

struct Unpacker<'a> {
    graph: &'a Graph,
    hierarchy: &'a Hierarchy,
    weights: &'a Weights,
    path: Vec<u32>,
}

impl Unpacker<'_> {
    /// Appends the edges after the first of an arc. The depth is bounded, because each step goes to a lower node.
    fn arc(&mut self, arc: u32, direction: usize, lower: u32, higher: u32) -> Option<()> {
        let cost = self.weights.arcs[arc as usize][direction];
        let (turn, head) = if direction == UP {
            (self.graph.up_turn[arc as usize], higher)
        } else {
            (self.graph.down_turn[arc as usize], lower)
        };
        if turn != NO_EDGE && self.weights.turns[turn as usize] == cost {
            self.path.push(head);
            // The way of positive costs visits no edge twice.
            return (self.path.len() <= self.graph.edge_count()).then_some(());
        }
        let (middle, to_lower, to_higher) = self.middle(lower, higher, direction, cost)?;
        if direction == UP {
            self.arc(to_lower, DOWN, middle, lower)?;
            self.arc(to_higher, UP, middle, higher)
        } else {
            self.arc(to_higher, DOWN, middle, higher)?;
            self.arc(to_lower, UP, middle, lower)
        }
    }

    /// The node below both ends over which the arc got its cost, with the arcs to the ends.
    fn middle(&self, lower: u32, higher: u32, direction: usize, cost: u64) -> Option<(u32, u32, u32)> {
        let (mut a, mut b) = (self.hierarchy.down(lower), self.hierarchy.down(higher));
        while let ([(node_a, arc_a), rest_a @ ..], [(node_b, arc_b), rest_b @ ..]) = (a, b) {
            if node_a == node_b {
                let (to_lower, to_higher) =
                    (self.weights.arcs[*arc_a as usize], self.weights.arcs[*arc_b as usize]);
                let over = if direction == UP {
                    to_lower[DOWN] + to_higher[UP]
                } else {
                    to_higher[DOWN] + to_lower[UP]
                };
                if over == cost {
                    return Some((*node_a, *arc_a, *arc_b));
                }
            }
            if node_a <= node_b {
                a = rest_a;
            }
            if node_b <= node_a {
                b = rest_b;
            }
        }
        None
    }
}
