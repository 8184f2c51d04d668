//! Gives every arc of the hierarchy its cost, from the costs of the turns.

use super::{Hierarchy, range};
use crate::cost::NEVER_LONG;
use crate::graph::{Graph, NO_EDGE};

/// Costs for one state of the roads: speeds, and what is closed.
pub(crate) struct Weights {
    /// Cost of each edge alone: milliseconds.
    pub(crate) edge_ms: Vec<u32>,
    /// Long cost of each turn with the edge that it leads to.
    pub(crate) turns: Vec<u64>,
    /// Long costs of each arc, upwards and downwards.
    pub(crate) arcs: Vec<[u64; 2]>,
}

/// Upwards: from the lower to the higher node.
pub(crate) const UP: usize = 0;
pub(crate) const DOWN: usize = 1;

impl Weights {
    pub(crate) fn customise(
        graph: &Graph,
        hierarchy: &Hierarchy,
        edge_ms: Vec<u32>,
        turns: Vec<u64>,
    ) -> Self {
        let turn = |turn: u32| if turn == NO_EDGE { NEVER_LONG } else { turns[turn as usize] };
        let mut arcs: Vec<[u64; 2]> =
            graph.up_turn.iter().zip(&*graph.down_turn).map(|(up, down)| [turn(*up), turn(*down)]).collect();
        let mut above = vec![0u32; graph.edge_count()];
        for node in (0u32..).take(graph.edge_count()) {
            relax_triangles(graph, hierarchy, node, &mut arcs, &mut above);
        }
        Self { edge_ms, turns, arcs }
    }
}

/// For each node below: the way over it between this node and one above may be quicker than the arc itself. Arcs of
/// lower nodes are final by then.
fn relax_triangles(
    graph: &Graph,
    hierarchy: &Hierarchy,
    node: u32,
    arcs: &mut [[u64; 2]],
    above: &mut [u32],
) {
    let own = range(&graph.up_first, node as usize);
    for (place, head) in (0u32..).zip(&graph.up_head[own.clone()]) {
        above[*head as usize] = place;
    }
    let (lower_arcs, rest) = arcs.split_at_mut(own.start);
    let own_arcs = &mut rest[..own.len()];
    for (lower, arc) in hierarchy.down(node) {
        let [to_node, to_lower] = lower_arcs[*arc as usize];
        // The arcs of the lower node that follow lead to nodes above this one, because they are sorted.
        let following = *arc as usize + 1..graph.up_first[*lower as usize + 1] as usize;
        for (head, [up, down]) in graph.up_head[following.clone()].iter().zip(&lower_arcs[following]) {
            let top = &mut own_arcs[above[*head as usize] as usize];
            top[UP] = top[UP].min(to_lower + up);
            top[DOWN] = top[DOWN].min(down + to_node);
        }
    }
}
