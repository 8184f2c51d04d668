//! Travel times between many places.

use std::collections::HashMap;

use crate::cost;
use crate::error::Error;
use crate::hierarchy::many::{self, Cost};
use crate::network::Network;
use crate::snap::Snap;
use crate::time::TimeOfWeek;

/// The most cells of one matrix: a question beyond is a mistake, and takes gigabytes.
pub const MAX_CELLS: usize = 25_000_000;

/// Times and distances, one row for each source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    columns: usize,
    durations_ms: Vec<u32>,
    distances_dm: Option<Vec<u32>>,
}

/// No route.
const UNREACHABLE: u32 = u32::MAX;

impl Matrix {
    /// Milliseconds from a source to a target; `None` when there is no route.
    pub fn duration_ms(&self, source: usize, target: usize) -> Option<u32> {
        self.cell(&self.durations_ms, source, target)
    }

    /// Decimetres on the quickest route; `None` when there is none, or when only times were asked for.
    pub fn distance_dm(&self, source: usize, target: usize) -> Option<u32> {
        self.cell(self.distances_dm.as_ref()?, source, target)
    }

    fn cell(&self, cells: &[u32], source: usize, target: usize) -> Option<u32> {
        if target >= self.columns {
            return None;
        }
        cells.get(source * self.columns + target).copied().filter(|cell| *cell != UNREACHABLE)
    }
}

impl Network {
    /// Times and distances between places of this network's roads.
    pub fn matrix(
        &self,
        sources: &[Snap],
        targets: &[Snap],
        when: Option<TimeOfWeek>,
    ) -> Result<Matrix, Error> {
        let cells: Vec<u64> = self.cells(sources, targets, when)?;
        let value = |cell: &u64, part: fn(u64) -> u32| {
            if *cell < cost::NEVER_LONG { part(*cell) } else { UNREACHABLE }
        };
        Ok(Matrix {
            columns: targets.len(),
            durations_ms: cells
                .iter()
                .map(|cell| value(cell, |long| cost::ms(cost::of_long(long))))
                .collect(),
            distances_dm: Some(cells.iter().map(|cell| value(cell, cost::decimetres)).collect()),
        })
    }

    /// Times only, in about half the time.
    pub fn durations(
        &self,
        sources: &[Snap],
        targets: &[Snap],
        when: Option<TimeOfWeek>,
    ) -> Result<Matrix, Error> {
        let cells: Vec<u32> = self.cells(sources, targets, when)?;
        let value = |cell: &u32| if *cell < cost::NEVER { cost::ms(*cell) } else { UNREACHABLE };
        Ok(Matrix {
            columns: targets.len(),
            durations_ms: cells.iter().map(value).collect(),
            distances_dm: None,
        })
    }

    fn cells<C: Cost>(
        &self,
        sources: &[Snap],
        targets: &[Snap],
        when: Option<TimeOfWeek>,
    ) -> Result<Vec<C>, Error> {
        if sources.len().checked_mul(targets.len()).is_none_or(|cells| cells > MAX_CELLS) {
            return Err(Error::TooManyCells { limit: MAX_CELLS });
        }
        let weights = self.weights(when);
        let starts: Vec<_> = sources.iter().map(|source| self.starts(&weights, source)).collect();
        let ends: Vec<_> = targets.iter().map(|target| self.ends(&weights, target)).collect();
        let (graph, hierarchy) = (&self.roads.graph, &self.roads.hierarchy);
        let mut cells: Vec<C> = many::costs(graph, hierarchy, &weights, &starts, &ends);
        // On one segment the sweep does not know what is ahead and what is behind.
        let mut on_segment: HashMap<u32, Vec<usize>> = HashMap::new();
        for (column, target) in targets.iter().enumerate() {
            on_segment.entry(target.segment).or_default().push(column);
        }
        for (row, source) in sources.iter().enumerate() {
            for column in on_segment.get(&source.segment).into_iter().flatten() {
                let way = self.way(&weights, source, &targets[*column]);
                cells[row * targets.len() + column] = way.map_or(C::NEVER, |way| C::of(way.cost));
            }
        }
        Ok(cells)
    }
}
