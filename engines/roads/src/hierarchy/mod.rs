//! Customisable contraction hierarchy (Dibbelt, Strasser, Wagner: Customizable Contraction Hierarchies, 2014).
//!
//! The crate `cch` finds the order and contracts, at import. Weights and queries are here, because they carry the
//! distance along with the time, sweep sixteen sources at once and run on files that are not trusted.
//!
//! Nodes are the edges of the road graph, numbered in the order of contraction, so that every arc of the hierarchy
//! leads from a lower to a higher number. All nodes that can be reached upwards from one node are its ancestors in the
//! elimination tree: a search is a walk to the root, without a queue.

pub(crate) mod many;
pub(crate) mod path;
mod weights;

pub(crate) use weights::Weights;

use crate::graph::{Graph, NO_EDGE};

/// What queries need of the hierarchy, apart from weights.
pub(crate) struct Hierarchy {
    /// The lowest neighbour above; [`NO_EDGE`] at a root.
    parent: Vec<u32>,
    /// Arcs to lower nodes: where each node's begin, the lower node and the arc.
    down_first: Vec<u32>,
    down: Vec<(u32, u32)>,
}

impl Hierarchy {
    pub(crate) fn of(graph: &Graph) -> Self {
        let count = graph.edge_count();
        let mut parent = vec![NO_EDGE; count];
        let mut down_first = vec![0u32; count + 1];
        for (node, parent) in parent.iter_mut().enumerate() {
            let up = &graph.up_head[range(&graph.up_first, node)];
            if let Some(lowest) = up.first() {
                *parent = *lowest;
            }
            for head in up {
                down_first[*head as usize + 1] += 1;
            }
        }
        for node in 0..count {
            down_first[node + 1] += down_first[node];
        }
        let mut next = down_first.clone();
        let mut down = vec![(0, 0); graph.up_head.len()];
        for (lower, node) in (0u32..).zip(0..count) {
            for arc in range(&graph.up_first, node) {
                let slot = &mut next[graph.up_head[arc] as usize];
                down[*slot as usize] = (lower, u32::try_from(arc).expect("arcs are below 2^32"));
                *slot += 1;
            }
        }
        Self { parent, down_first, down }
    }

    fn parent(&self, node: u32) -> Option<u32> {
        Some(self.parent[node as usize]).filter(|parent| *parent != NO_EDGE)
    }

    /// Lower neighbours with the arcs to them, lowest first.
    fn down(&self, node: u32) -> &[(u32, u32)] {
        &self.down[range(&self.down_first, node as usize)]
    }
}

/// The part of a list that belongs to an entry.
fn range(first: &[u32], index: usize) -> std::ops::Range<usize> {
    first[index] as usize..first[index + 1] as usize
}
