//! Costs between many starts and many ends.
//!
//! Sixteen starts are swept at once: a node then holds sixteen costs beside each other, and each arc is read once for
//! all of them and relaxed with wide instructions. The part of the hierarchy above the ends is copied out first, so that
//! the sweeps run over memory in one direction (the idea of RPHAST: Delling, Goldberg, Werneck, Faster Batched Shortest
//! Paths in Road Networks, 2011). Starts are taken in the order of the hierarchy: neighbours share most of their
//! ancestors.

use std::ops::Add;

use super::path::Start;
use super::weights::{DOWN, UP};
use super::{Hierarchy, Weights, range};
use crate::cost;
use crate::graph::Graph;

/// Starts in one sweep.
const LANES: usize = 16;
const NONE: u32 = u32::MAX;

/// A cost that can be swept: with the distance (64 bits) or without (32 bits).
pub(crate) trait Cost: Copy + Ord + Add<Output = Self> + Send + Sync {
    const NEVER: Self;
    fn of(long: u64) -> Self;
    /// Without the rest of the last edge, which lies behind the end; a long cost.
    fn less(self, rest: u64) -> Self;
}

impl Cost for u32 {
    const NEVER: Self = cost::NEVER;
    fn of(long: u64) -> Self {
        cost::of_long(long)
    }
    fn less(self, rest: u64) -> Self {
        self.saturating_sub(cost::of_long(rest))
    }
}

impl Cost for u64 {
    const NEVER: Self = cost::NEVER_LONG;
    fn of(long: u64) -> Self {
        long
    }
    fn less(self, rest: u64) -> Self {
        cost::less(self, rest)
    }
}

/// The part of the hierarchy above some nodes, in the order in which it is swept.
struct Selection<C> {
    /// Ascending.
    nodes: Vec<u32>,
    first: Vec<u32>,
    /// Place in `nodes` of the upper end of each arc.
    heads: Vec<u32>,
    costs: Vec<C>,
}

impl<C: Cost> Selection<C> {
    /// `place` is scratch for all nodes and says afterwards where each selected node is.
    fn above(
        graph: &Graph,
        hierarchy: &Hierarchy,
        weights: &Weights,
        direction: usize,
        starts: impl Iterator<Item = u32>,
        place: &mut [u32],
    ) -> Self {
        let mut nodes = Vec::new();
        for start in starts {
            let mut at = Some(start);
            while let Some(node) = at.filter(|node| place[*node as usize] == NONE) {
                place[node as usize] = 0;
                nodes.push(node);
                at = hierarchy.parent(node);
            }
        }
        nodes.sort_unstable();
        let mut selection = Self { first: vec![0], heads: Vec::new(), costs: Vec::new(), nodes };
        for (index, node) in (0u32..).zip(&selection.nodes) {
            place[*node as usize] = index;
        }
        for node in &selection.nodes {
            let arcs = range(&graph.up_first, *node as usize);
            // A cost that is never the better one need not be swept.
            for (head, costs) in graph.up_head[arcs.clone()].iter().zip(&weights.arcs[arcs]) {
                if costs[direction] < cost::NEVER_LONG {
                    selection.heads.push(place[*head as usize]);
                    selection.costs.push(C::of(costs[direction]));
                }
            }
            selection.first.push(u32::try_from(selection.heads.len()).expect("arcs are below 2^32"));
        }
        selection
    }

    fn forget(&self, place: &mut [u32]) {
        for node in &self.nodes {
            place[*node as usize] = NONE;
        }
    }
}

/// Costs from every start to every end, row by row. A start or an end may be several nodes, of which the best counts:
/// the cost of a start is added, that of an end is taken off.
pub(crate) fn costs<C: Cost>(
    graph: &Graph,
    hierarchy: &Hierarchy,
    weights: &Weights,
    from: &[Vec<Start>],
    to: &[Vec<Start>],
) -> Vec<C> {
    let mut place = vec![NONE; graph.edge_count()];
    let nodes_of = |points: &[Vec<Start>]| points.iter().flatten().map(|(node, _)| *node).collect::<Vec<_>>();
    let below: Selection<C> =
        Selection::above(graph, hierarchy, weights, DOWN, nodes_of(to).into_iter(), &mut place);
    let ends: Vec<Vec<(usize, u64)>> = to
        .iter()
        .map(|end| end.iter().map(|(node, cost)| (place[*node as usize] as usize, *cost)).collect())
        .collect();
    below.forget(&mut place);
    let mut order: Vec<usize> = (0..from.len()).collect();
    order.sort_by_key(|start| from[*start].first().map(|(node, _)| *node));
    let mut matrix = vec![C::NEVER; from.len() * to.len()];
    let mut at_ends: Vec<[C; LANES]> = vec![[C::NEVER; LANES]; below.nodes.len()];
    for batch in order.chunks(LANES) {
        let starts = batch.iter().flat_map(|start| from[*start].iter().map(|(node, _)| *node));
        let above: Selection<C> = Selection::above(graph, hierarchy, weights, UP, starts, &mut place);
        let mut at_starts: Vec<[C; LANES]> = vec![[C::NEVER; LANES]; above.nodes.len()];
        for (lane, start) in batch.iter().enumerate() {
            for (node, cost) in &from[*start] {
                let slot = &mut at_starts[place[*node as usize] as usize][lane];
                *slot = (*slot).min(C::of(*cost));
            }
        }
        above.forget(&mut place);
        pulp::Arch::new().dispatch(Sweep {
            above: &above,
            below: &below,
            at_starts: &mut at_starts,
            at_ends: &mut at_ends,
        });
        for (lane, start) in batch.iter().enumerate() {
            let row = &mut matrix[*start * to.len()..(*start + 1) * to.len()];
            for (cell, end) in row.iter_mut().zip(&ends) {
                for (node, cost) in end {
                    let reached = at_ends[*node][lane];
                    if reached < C::NEVER {
                        *cell = (*cell).min(reached.less(*cost));
                    }
                }
            }
        }
    }
    matrix
}

/// One batch, compiled for the instructions that the processor has.
struct Sweep<'a, C> {
    above: &'a Selection<C>,
    below: &'a Selection<C>,
    at_starts: &'a mut [[C; LANES]],
    at_ends: &'a mut [[C; LANES]],
}

impl<C: Cost> pulp::NullaryFnOnce for Sweep<'_, C> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "only inlined code is compiled for wide instructions")]
    #[inline(always)]
    fn call(self) {
        climb(self.above, self.at_starts);
        descend(self.above, self.at_starts, self.below, self.at_ends);
    }
}

/// Upwards from the starts: lowest node first.
#[expect(clippy::inline_always, reason = "only inlined code is compiled for wide instructions")]
#[inline(always)]
fn climb<C: Cost>(above: &Selection<C>, costs: &mut [[C; LANES]]) {
    for node in 0..above.nodes.len() {
        let arcs = range(&above.first, node);
        let (done, higher) = costs.split_at_mut(node + 1);
        let own = &done[node];
        for (head, cost) in above.heads[arcs.clone()].iter().zip(&above.costs[arcs]) {
            relax(&mut higher[*head as usize - node - 1], own, *cost);
        }
    }
}

/// Downwards to the ends: highest node first. Where both parts share a node, the sweep takes over what the climb found.
#[expect(clippy::inline_always, reason = "only inlined code is compiled for wide instructions")]
#[inline(always)]
fn descend<C: Cost>(
    above: &Selection<C>,
    at_starts: &[[C; LANES]],
    below: &Selection<C>,
    costs: &mut [[C; LANES]],
) {
    let mut shared = above.nodes.len();
    for node in (0..below.nodes.len()).rev() {
        let id = below.nodes[node];
        while shared > 0 && above.nodes[shared - 1] > id {
            shared -= 1;
        }
        let mut best = match shared.checked_sub(1) {
            Some(at) if above.nodes[at] == id => at_starts[at],
            _ => [C::NEVER; LANES],
        };
        let arcs = range(&below.first, node);
        for (head, cost) in below.heads[arcs.clone()].iter().zip(&below.costs[arcs]) {
            relax(&mut best, &costs[*head as usize], *cost);
        }
        costs[node] = best;
    }
}

#[expect(clippy::inline_always, reason = "only inlined code is compiled for wide instructions")]
#[inline(always)]
fn relax<C: Cost>(best: &mut [C; LANES], from: &[C; LANES], cost: C) {
    for lane in 0..LANES {
        best[lane] = best[lane].min(from[lane] + cost);
    }
}
