//! Which part of a question is still open, as rectangles: routing servers answer rectangles and nothing else.
//!
//! Rows that miss the same columns form one rectangle, or columns that miss the same rows, whichever needs fewer: both cover
//! exactly what is open. What is scattered over more than [`MOST`] of them is asked for as one rectangle around all of it.

use std::collections::BTreeMap;

/// Rectangles for one question.
const MOST: usize = 8;

/// Rows and columns, each in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rectangle {
    /// Of the whole.
    pub rows: Vec<usize>,
    /// Of the whole.
    pub columns: Vec<usize>,
}

/// Rectangles that cover what is open of so many rows and columns.
pub fn rectangles(rows: usize, columns: usize, is_open: impl Fn(usize, usize) -> bool) -> Vec<Rectangle> {
    let by_rows = alike(rows, columns, &is_open);
    let by_columns = alike(columns, rows, |column, row| is_open(row, column));
    if by_rows.len().min(by_columns.len()) > MOST {
        let all = |lists: BTreeMap<Vec<usize>, Vec<usize>>| {
            let mut all: Vec<usize> = lists.into_values().flatten().collect();
            all.sort_unstable();
            all
        };
        return vec![Rectangle { rows: all(by_rows), columns: all(by_columns) }];
    }
    if by_columns.len() < by_rows.len() {
        return by_columns.into_iter().map(|(rows, columns)| Rectangle { rows, columns }).collect();
    }
    by_rows.into_iter().map(|(columns, rows)| Rectangle { rows, columns }).collect()
}

/// Lines by what is open in them; lines in which nothing is open are left out.
fn alike(
    lines: usize,
    length: usize,
    is_open: impl Fn(usize, usize) -> bool,
) -> BTreeMap<Vec<usize>, Vec<usize>> {
    let mut found: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for line in 0..lines {
        let open: Vec<usize> = (0..length).filter(|at| is_open(line, *at)).collect();
        if !open.is_empty() {
            found.entry(open).or_default().push(line);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn cells(found: &[Rectangle]) -> Vec<(usize, usize)> {
        found
            .iter()
            .flat_map(|part| {
                part.rows.iter().flat_map(|row| part.columns.iter().map(|column| (*row, *column)))
            })
            .collect()
    }

    #[test]
    fn everything_is_one_rectangle_and_nothing_is_none() {
        let all = rectangles(2, 3, |_, _| true);
        assert_eq!(all, [Rectangle { rows: vec![0, 1], columns: vec![0, 1, 2] }]);
        assert_eq!(rectangles(2, 3, |_, _| false), []);
        assert_eq!(rectangles(0, 3, |_, _| true), []);
    }

    #[test]
    fn a_new_row_and_a_new_column_are_asked_for_and_nothing_else() {
        let found = rectangles(10, 10, |row, column| row == 4 || column == 7);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(cells(&found).len(), 19);
    }

    #[test]
    fn what_is_scattered_is_one_rectangle_around_it() {
        let found = rectangles(20, 20, |row, column| row == column && row > 3);
        assert_eq!(found, [Rectangle { rows: (4..20).collect(), columns: (4..20).collect() }]);
    }

    proptest! {
        #[test]
        fn every_open_cell_is_covered_once(open in prop::collection::btree_set((0..6_usize, 0..7_usize), 0..20)) {
            let found = rectangles(6, 7, |row, column| open.contains(&(row, column)));
            let covered = cells(&found);
            let distinct: BTreeSet<_> = covered.iter().copied().collect();
            prop_assert_eq!(covered.len(), distinct.len());
            // Six rows never need more rectangles than are allowed: exactly what is open.
            prop_assert_eq!(distinct, open);
        }
    }
}
