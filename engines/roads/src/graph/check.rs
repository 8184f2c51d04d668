//! Every number that is used as an index is checked once, when the file is opened: then no query can leave a list,
//! whatever the file contains. The hierarchy is checked to be one, because the search relies on it.

use super::{Graph, NO_EDGE};
use crate::error::Error;

impl Graph {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.check_segments()?;
        self.check_edges()?;
        self.check_grid()?;
        self.check_hierarchy()
    }

    fn check_segments(&self) -> Result<(), Error> {
        let segments = self.info.len();
        let lengths = [self.name.len(), self.length.len(), self.component.len(), self.travel.len() / 2];
        must(segments > 0 && segments < 1 << 29, "there are no segments")?;
        must(lengths.iter().all(|length| *length == segments), "lists of segments differ in length")?;
        must(
            self.travel.len() == segments * 2 && self.delay.len() == segments * 2,
            "lists of segments are odd",
        )?;
        must(self.points.len().is_multiple_of(2), "a point is half")?;
        must(u32::try_from(self.points.len()).is_ok(), "there are too many points")?;
        offsets(&self.first_point, segments, self.points.len() / 2, "points of segments")?;
        must(self.first_point.windows(2).all(|pair| pair[1] - pair[0] >= 2), "a segment has no line")?;
        let on_globe =
            |pair: &[i32; 2]| pair[0].abs_diff(0) <= 900_000_000 && pair[1].abs_diff(0) <= 1_800_000_000;
        must(self.points.as_chunks::<2>().0.iter().all(on_globe), "a point is off the globe")?;
        let classes = self.meta.profile.class_names().len();
        must(
            (0..).zip(&*self.info).all(|(segment, _)| usize::from(self.flags(segment).class) < classes),
            "a class is unknown",
        )?;
        let names = self.first_name.len().saturating_sub(1);
        offsets(&self.first_name, names, self.names.len(), "names")?;
        below(&self.name, names, "a name is missing")?;
        must(self.length.iter().all(|length| (1..=1 << 27).contains(length)), "a length is out of range")?;
        let short = |list: &[u32]| list.iter().all(|ms| *ms <= 1 << 30);
        must(short(&self.travel) && short(&self.delay), "a time is out of range")
    }

    fn check_edges(&self) -> Result<(), Error> {
        let (edges, segments) = (self.edge_count(), self.segment_count());
        must(edges > 0, "there are no edges")?;
        must(self.edge_of_segment.len() == segments * 2, "edges of segments have a wrong length")?;
        let known = |edge: u32| edge == NO_EDGE || (edge as usize) < edges;
        must(self.edge_of_segment.iter().all(|edge| known(*edge)), "an edge is missing")?;
        below(&self.segment_of_edge, segments * 2, "a segment is missing")?;
        let (copies, rest) = self.copies.as_chunks::<2>();
        must(rest.is_empty() && copies.is_sorted(), "copies are not sorted")?;
        must(copies.iter().all(|copy| (copy[1] as usize) < edges), "a copy is missing")?;
        offsets(&self.first_turn, edges, self.turn_head.len(), "turns of edges")?;
        below(&self.turn_head, edges, "a turn leads nowhere")?;
        must(self.turn_cost.len() == self.turn_head.len(), "turns have a wrong length")?;
        let schedules = self.meta.schedules.len();
        let (closed, rest) = self.closed_turns.as_chunks::<2>();
        let good =
            |pair: &[u32; 2]| (pair[0] as usize) < self.turn_head.len() && (pair[1] as usize) < schedules;
        must(rest.is_empty() && closed.iter().all(good), "a closed turn is missing")?;
        let (changes, rest) = self.changes.as_chunks::<3>();
        let good = |triple: &[u32; 3]| (triple[0] as usize) < segments && (triple[1] as usize) < schedules;
        must(rest.is_empty() && changes.iter().all(good), "a change is missing")
    }

    fn check_grid(&self) -> Result<(), Error> {
        must(self.grid_shape.len() == 6, "the grid has no shape")?;
        let (shape, first, pieces) = self.grid();
        must(shape[2..].iter().all(|number| *number > 0), "the grid has no cells")?;
        let cells = i64::from(shape[4])
            .checked_mul(i64::from(shape[5]))
            .and_then(|cells| usize::try_from(cells).ok());
        offsets(first, cells.unwrap_or(usize::MAX), pieces.len(), "cells of the grid")?;
        // A piece needs a second point in its segment.
        let last_points: Vec<u32> = self.first_point[1..].iter().map(|end| end - 1).collect();
        let good = |piece: &u32| {
            (*piece as usize) + 1 < self.points.len() / 2 && last_points.binary_search(piece).is_err()
        };
        must(pieces.iter().all(good), "a piece of the grid is missing")
    }

    fn check_hierarchy(&self) -> Result<(), Error> {
        let edges = self.edge_count();
        offsets(&self.up_first, edges, self.up_head.len(), "arcs of the hierarchy")?;
        let turns = self.turn_head.len();
        let known = |list: &[u32]| list.iter().all(|turn| *turn == NO_EDGE || (*turn as usize) < turns);
        must(known(&self.up_turn) && known(&self.down_turn), "a turn of the hierarchy is missing")?;
        let arcs = self.up_head.len();
        must(self.up_turn.len() == arcs && self.down_turn.len() == arcs, "the hierarchy is odd")?;
        for edge in 0..edges {
            let up = self.up(edge);
            let sorted = up.windows(2).all(|pair| pair[0] < pair[1]);
            let upwards = up.first().is_none_or(|head| *head as usize > edge);
            must(
                sorted && upwards && up.last().is_none_or(|head| (*head as usize) < edges),
                "the hierarchy is not sorted",
            )?;
            // The neighbours above are joined to the lowest of them: what makes it a hierarchy.
            if let [parent, others @ ..] = up {
                must(is_subset(others, self.up(*parent as usize)), "the hierarchy is not closed")?;
            }
        }
        Ok(())
    }

    fn up(&self, edge: usize) -> &[u32] {
        &self.up_head[self.up_first[edge] as usize..self.up_first[edge + 1] as usize]
    }
}

/// Both sorted.
fn is_subset(some: &[u32], all: &[u32]) -> bool {
    let mut all = all.iter();
    some.iter().all(|wanted| all.any(|found| found == wanted))
}

fn must(holds: bool, what: &'static str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Damaged(what)) }
}

fn below(list: &[u32], limit: usize, what: &'static str) -> Result<(), Error> {
    must(list.iter().all(|number| (*number as usize) < limit), what)
}

/// `count + 1` numbers that rise from 0 to `total`.
fn offsets(list: &[u32], count: usize, total: usize, what: &'static str) -> Result<(), Error> {
    must(count.checked_add(1) == Some(list.len()), what)?;
    must(list.first() == Some(&0) && list.is_sorted(), what)?;
    must(list.last().is_some_and(|last| *last as usize == total), what)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mapfolder::{Folder, Source, Writer};

    use super::is_subset;
    use crate::graph::file::{Reader, Section};
    use crate::{Network, Profile};

    #[test]
    fn a_sorted_list_is_looked_for_in_another_one() {
        assert!(is_subset(&[], &[]) && is_subset(&[2, 5], &[1, 2, 3, 5]));
        assert!(!is_subset(&[2, 4], &[1, 2, 3, 5]) && !is_subset(&[6], &[5]));
    }

    /// Such a file would lead the search out of its lists, though every number in it is in range and sorted.
    #[test]
    fn a_hierarchy_with_an_arc_that_leads_elsewhere_is_refused() {
        let demo = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf"));
        let data = osm::Data::read(demo, &osm::Limits::default(), &mut |_| {}).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::begin(dir.path()).unwrap();
        crate::import(&data, &[Profile::embedded("car").unwrap()], &mut writer, &mut |_| {}).unwrap();
        writer.finish(Source::of(&data, "demo")).unwrap();
        let file = Folder::open(dir.path()).unwrap().map("roads/car.graph").unwrap();
        let reader = Reader::new(&file).unwrap();
        let (first, heads) = (reader.numbers(Section::UpFirst).unwrap(), reader.bytes(Section::UpHead));
        // The last arc of the first edge that has two, and does not lead to the top already.
        let top = u32::try_from(first.len() - 2).unwrap();
        let head = |arc: u32| heads.slice(arc as usize * 4..arc as usize * 4 + 4);
        let arc = first
            .windows(2)
            .filter(|pair| pair[1] - pair[0] > 1)
            .map(|pair| pair[1] - 1)
            .find(|arc| head(*arc)[..] != top.to_le_bytes())
            .unwrap();
        let at = head(arc).as_ptr() as usize - file.as_ptr() as usize;
        let mut bad = file.to_vec();
        bad[at..at + 4].copy_from_slice(&top.to_le_bytes());
        let mut writer = Writer::begin(dir.path()).unwrap();
        writer.put("roads/car.graph", &bad).unwrap();
        writer.finish(Source::of(&data, "demo")).unwrap();
        let refused = Network::open(&Folder::open(dir.path()).unwrap(), "car").unwrap_err();
        assert!(refused.to_string().contains("not closed"), "{refused}");
    }
}
