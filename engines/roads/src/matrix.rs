//! Travel times between many places.

use std::collections::{BTreeMap, HashMap};

use crate::cost;
use crate::error::Error;
use crate::hierarchy::Weights;
use crate::hierarchy::many::{self, Cost};
use crate::hierarchy::path::Start;
use crate::network::Network;
use crate::snap::{Snap, Spot};
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
        let core = |places: &[Snap]| places.iter().map(|place| place.core).collect::<Vec<_>>();
        let mut cells = self.block(&weights, &core(sources), &core(targets));
        self.put_cut_off(&weights, sources, targets, &mut cells);
        Ok(cells)
    }

    /// Cells of places within one part that is cut off from the core.
    fn put_cut_off<C: Cost>(&self, weights: &Weights, sources: &[Snap], targets: &[Snap], cells: &mut [C]) {
        let by_part = |places: &[Snap]| {
            let mut parts: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for (place, snap) in places.iter().enumerate() {
                if let Some(part) = self.cut_off(snap) {
                    parts.entry(part).or_default().push(place);
                }
            }
            parts
        };
        let near = |places: &[Snap], some: &[usize]| {
            some.iter().map(|place| Some(places[*place].near)).collect::<Vec<_>>()
        };
        let columns_by_part = by_part(targets);
        for (part, rows) in by_part(sources) {
            let Some(columns) = columns_by_part.get(&part) else { continue };
            let within: Vec<C> = self.block(weights, &near(sources, &rows), &near(targets, columns));
            for (row, found) in rows.iter().zip(within.chunks(columns.len())) {
                for (column, cost) in columns.iter().zip(found).filter(|(_, cost)| **cost < C::NEVER) {
                    cells[row * targets.len() + column] = *cost;
                }
            }
        }
    }

    fn block<C: Cost>(&self, weights: &Weights, from: &[Option<Spot>], to: &[Option<Spot>]) -> Vec<C> {
        if from.is_empty() || to.is_empty() {
            return Vec::new();
        }
        let none_or = |spot: &Option<Spot>, find: &dyn Fn(&Spot) -> Vec<Start>| {
            spot.as_ref().map_or_else(Vec::new, find)
        };
        let starts: Vec<_> =
            from.iter().map(|spot| none_or(spot, &|spot| self.starts(weights, spot))).collect();
        let ends: Vec<_> = to.iter().map(|spot| none_or(spot, &|spot| self.ends(weights, spot))).collect();
        let (graph, hierarchy) = (&self.roads.graph, &self.roads.hierarchy);
        let mut cells: Vec<C> = many::costs(graph, hierarchy, weights, &starts, &ends);
        // On one segment the sweep does not know what is ahead and what is behind.
        let mut on_segment: HashMap<u32, Vec<(usize, &Spot)>> = HashMap::new();
        for (column, spot) in
            to.iter().enumerate().filter_map(|(column, spot)| Some((column, spot.as_ref()?)))
        {
            on_segment.entry(spot.segment).or_default().push((column, spot));
        }
        for (row, spot) in from.iter().enumerate().filter_map(|(row, spot)| Some((row, spot.as_ref()?))) {
            for (column, end) in on_segment.get(&spot.segment).into_iter().flatten() {
                let way = self.way_between(weights, spot, end);
                cells[row * to.len() + column] = way.map_or(C::NEVER, |way| C::of(way.cost));
            }
        }
        cells
    }
}
