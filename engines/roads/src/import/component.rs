//! The largest part of the graph in which every edge is reached from every other one: what lies outside of it (an
//! island without ferry, a road that leaves the extract one way) would only give points without a route.

/// Which nodes belong to the largest strongly connected component (Tarjan's algorithm without recursion).
pub(super) fn largest(first: &[u32], heads: &[u32]) -> Vec<bool> {
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
}
