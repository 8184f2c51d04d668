//! Joins lines that touch end to end.
//!
//! A street is many ways in OpenStreetMap, one for each bridge, speed limit and bus lane. A client writes the name along
//! one line at a time, so that only joined ones are long enough for it; and they are fewer bytes.

use std::collections::HashMap;

use crate::mercator::Spot;

/// Joins where exactly two lines meet. Lines are only turned around when they may be: one-way streets are not.
pub fn lines(lines: Vec<Vec<Spot>>, may_turn: bool) -> Vec<Vec<Spot>> {
    let mut meeting: HashMap<Spot, Vec<usize>> = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        for end in line.first().into_iter().chain(line.last()) {
            meeting.entry(*end).or_default().push(index);
        }
    }
    let mut pool = Pool { lines: lines.into_iter().map(Some).collect(), meeting, may_turn };
    let mut joined = Vec::new();
    for index in 0..pool.lines.len() {
        if let Some(line) = pool.lines[index].take() {
            let mut line = pool.extend(line, true);
            line.reverse();
            line = pool.extend(line, false);
            line.reverse();
            joined.push(line);
        }
    }
    joined
}

struct Pool {
    lines: Vec<Option<Vec<Spot>>>,
    /// The lines that begin or end at a spot; a ring is in it twice.
    meeting: HashMap<Spot, Vec<usize>>,
    may_turn: bool,
}

impl Pool {
    /// Appends lines to the end as long as there is exactly one. `forwards`: in its own direction a next line begins at
    /// the end of the one before.
    fn extend(&mut self, mut line: Vec<Spot>, forwards: bool) -> Vec<Spot> {
        while let Some(end) = line.last().copied()
            && let Some(next) = self.take_next(end, forwards)
        {
            line.extend(&next[1..]);
        }
        line
    }

    fn take_next(&mut self, end: Spot, forwards: bool) -> Option<Vec<Spot>> {
        let [a, b] = self.meeting.get(&end)?[..] else { return None };
        // One of the two is the line that is being extended, which is gone from the pool.
        let index = [a, b].into_iter().find(|index| self.lines[*index].is_some())?;
        let begins_here = self.lines[index].as_ref()?.first() == Some(&end);
        if begins_here != forwards && !self.may_turn {
            return None;
        }
        let mut next = self.lines[index].take()?;
        if !begins_here {
            next.reverse();
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(list: &[i32]) -> Vec<Spot> {
        list.iter().map(|x| Spot { x: *x, y: 0 }).collect()
    }

    #[test]
    fn a_street_of_three_ways_becomes_one_line() {
        assert_eq!(
            lines(vec![line(&[2, 3]), line(&[0, 1, 2]), line(&[3, 5])], false),
            [line(&[0, 1, 2, 3, 5])]
        );
    }

    #[test]
    fn a_way_drawn_the_other_way_round_is_turned_unless_it_is_one_way() {
        let ways = vec![line(&[0, 1]), line(&[2, 1])];
        assert_eq!(lines(ways.clone(), true), [line(&[0, 1, 2])]);
        assert_eq!(lines(ways.clone(), false), ways);
    }

    #[test]
    fn three_ways_at_a_junction_stay_apart_and_a_ring_stays_a_ring() {
        let junction = vec![line(&[0, 1]), line(&[1, 2]), line(&[1, 3])];
        assert_eq!(lines(junction.clone(), true), junction);
        let ring = vec![line(&[0, 1, 2, 0])];
        assert_eq!(lines(ring.clone(), true), ring);
        assert_eq!(lines(vec![line(&[0, 1, 2]), line(&[2, 3, 0])], false), [line(&[0, 1, 2, 3, 0])]);
    }
}
