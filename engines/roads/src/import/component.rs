//! How the graph falls into parts.
//!
//! Its *core* is the largest part in which every edge is reached from every other one. What is cut off from it is kept as
//! parts beside it: an island, a village whose road to the rest lies outside of the extract, a road that leaves the
//! extract one way. People drive there from door to door, and that there is a road tells that a place is not in the wild.

const GONE: u32 = u32::MAX;

/// For each node 0 if it belongs to the core, else the number of its part; `None` for the direction of a road that is in
/// the core the other way only. `group` is the road of each node; arcs are the places in `heads` from `first[node]` to
/// `first[node + 1]`.
pub(super) fn parts(first: &[u32], heads: &[u32], group: &[u32]) -> Vec<Option<u32>> {
    let core = largest(first, heads);
    let groups = group.iter().max().map_or(0, |most| *most as usize + 1);
    let mut is_core = vec![false; groups];
    for (group, _) in group.iter().zip(&core).filter(|(_, core)| **core) {
        is_core[*group as usize] = true;
    }
    let joined = joined(first, heads, group, &is_core);
    let mut number = vec![GONE; groups];
    let mut next = 0;
    let mut part_of = |group: u32| {
        let number = &mut number[joined[group as usize] as usize];
        if *number == GONE {
            next += 1;
            *number = next;
        }
        *number
    };
    let part = |(group, core): (&u32, bool)| {
        if is_core[*group as usize] { core.then_some(0) } else { Some(part_of(*group)) }
    };
    group.iter().zip(core).map(part).collect()
}

/// For each group the lowest one that it is joined to outside of the core, whichever way arcs lead.
fn joined(first: &[u32], heads: &[u32], group: &[u32], is_core: &[bool]) -> Vec<u32> {
    let mut root: Vec<u32> = (0u32..).take(is_core.len()).collect();
    let find = |root: &mut Vec<u32>, mut at: u32| {
        while root[at as usize] != at {
            root[at as usize] = root[root[at as usize] as usize];
            at = root[at as usize];
        }
        at
    };
    for (node, own) in group.iter().enumerate() {
        for head in &heads[first[node] as usize..first[node + 1] as usize] {
            let other = group[*head as usize];
            if !is_core[*own as usize] && !is_core[other as usize] {
                let (a, b) = (find(&mut root, *own), find(&mut root, other));
                root[a.max(b) as usize] = a.min(b);
            }
        }
    }
    (0u32..).take(root.len()).map(|group| find(&mut root, group)).collect()
}

/// Which nodes belong to the largest strongly connected component (Tarjan's algorithm without recursion).
fn largest(first: &[u32], heads: &[u32]) -> Vec<bool> {
    let mut search = Search {
        first,
        heads,
        index: vec![UNSEEN; first.len() - 1],
        low: vec![0; first.len() - 1],
        component: vec![UNSEEN; first.len() - 1],
        stack: Vec::new(),
        sizes: Vec::new(),
        next: 0,
    };
    for node in 0..search.index.len() {
        if search.index[node] == UNSEEN {
            search.run(node);
        }
    }
    let best = (0u32..).zip(&search.sizes).max_by_key(|(_, size)| **size).map(|(component, _)| component);
    search.component.iter().map(|component| Some(*component) == best).collect()
}

const UNSEEN: u32 = u32::MAX;

struct Search<'a> {
    first: &'a [u32],
    heads: &'a [u32],
    index: Vec<u32>,
    low: Vec<u32>,
    component: Vec<u32>,
    stack: Vec<usize>,
    sizes: Vec<u32>,
    next: u32,
}

impl Search<'_> {
    fn run(&mut self, start: usize) {
        let mut path = vec![(start, self.first[start])];
        self.enter(start);
        while let Some((node, arc)) = path.last_mut() {
            let node = *node;
            if *arc < self.first[node + 1] {
                let head = self.heads[*arc as usize] as usize;
                *arc += 1;
                if self.index[head] == UNSEEN {
                    self.enter(head);
                    path.push((head, self.first[head]));
                } else if self.component[head] == UNSEEN {
                    self.low[node] = self.low[node].min(self.index[head]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                self.low[*parent] = self.low[*parent].min(self.low[node]);
            }
            if self.low[node] == self.index[node] {
                self.close(node);
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.index[node] = self.next;
        self.low[node] = self.next;
        self.next += 1;
        self.stack.push(node);
    }

    fn close(&mut self, root: usize) {
        let number = u32::try_from(self.sizes.len()).expect("fewer components than nodes");
        let mut size = 0;
        while let Some(node) = self.stack.pop() {
            self.component[node] = number;
            size += 1;
            if node == root {
                break;
            }
        }
        self.sizes.push(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_two_circles_is_kept_and_what_only_leads_in_or_out_is_not() {
        // 0 -> (1 -> 2 -> 3 -> 1) -> 4; 5 <-> 6
        let first = [0, 1, 2, 3, 5, 5, 6, 7];
        let heads = [1, 2, 3, 1, 4, 6, 5];
        assert_eq!(largest(&first, &heads), [false, true, true, true, false, false, false]);
        assert!(largest(&[0], &[]).is_empty());
    }

    #[test]
    fn what_is_cut_off_from_the_core_falls_into_parts() {
        // 0 -> (1 -> 2 -> 3 -> 1) -> 4; 5 <-> 6 -> 7
        let first = [0, 1, 2, 3, 5, 5, 6, 8, 8];
        let heads = [1, 2, 3, 1, 4, 6, 5, 7];
        let apart = parts(&first, &heads, &[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(apart, [1, 0, 0, 0, 2, 3, 3, 3].map(Some));
        // Nodes 4 and 5 are the two directions of one road.
        assert_eq!(parts(&first, &heads, &[0, 1, 2, 3, 4, 4, 5, 6]), [1, 0, 0, 0, 2, 2, 2, 2].map(Some));
        // Nodes 3 and 4 are: the road is in the core one way only.
        assert_eq!(parts(&first, &heads, &[0, 1, 2, 3, 3, 4, 5, 6])[3..5], [Some(0), None]);
        assert!(parts(&[0], &[], &[]).is_empty());
    }
}
