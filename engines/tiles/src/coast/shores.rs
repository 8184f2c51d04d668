//! Shores: coastline ways joined in their direction, then cut to the box.

use std::collections::HashMap;

use osm::Data;

use super::border::Border;
use crate::geometry::{clip, ring};
use crate::mercator::{Rect, Spot};

/// How far a broken end may be from the border or from another one to be drawn on to it: one part in so many of the
/// shorter side of the box.
const NEAR: i32 = 16;

/// Joined coastlines, water on the right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shores {
    /// From one end to the other.
    pub open: Vec<Vec<Spot>>,
    /// Islands run anticlockwise on the map, closed seas clockwise. The first spot is not repeated.
    pub closed: Vec<Vec<Spot>>,
}

/// Joins the coastline ways of the extract. A way is broken where the extract lacks a node.
pub fn join(data: &Data) -> Shores {
    let mut stretches: Vec<Vec<(i64, Spot)>> = Vec::new();
    for way in data.ways().filter(|way| way.tags.is("natural", "coastline")) {
        let known = way.nodes.iter().map(|node| data.point(*node).map(|point| (*node, Spot::of(point))));
        let mut stretch = Vec::new();
        for node in known.chain([None]) {
            match node {
                Some(node) => stretch.push(node),
                None => stretches.push(std::mem::take(&mut stretch)),
            }
        }
    }
    stretches.retain(|stretch| stretch.len() > 1);
    let mut shores = Shores::default();
    for chain in chains(&stretches) {
        let is_closed = chain.first().map(|node| node.0) == chain.last().map(|node| node.0);
        let spots = chain.into_iter().map(|(_, spot)| spot).collect();
        shores.add(spots, is_closed);
    }
    shores
}

fn chains(stretches: &[Vec<(i64, Spot)>]) -> Vec<Vec<(i64, Spot)>> {
    let mut starting_at: HashMap<i64, Vec<usize>> = HashMap::new();
    let mut ending_at: HashMap<i64, usize> = HashMap::new();
    for (index, stretch) in stretches.iter().enumerate() {
        starting_at.entry(stretch[0].0).or_default().push(index);
        ending_at.insert(stretch[stretch.len() - 1].0, index);
    }
    let mut used = vec![false; stretches.len()];
    let mut follow = |start: usize| {
        let mut chain: Vec<(i64, Spot)> = Vec::new();
        let mut next = Some(start).filter(|index| !used[*index]);
        while let Some(index) = next {
            used[index] = true;
            chain.extend(&stretches[index][usize::from(!chain.is_empty())..]);
            let end = chain[chain.len() - 1].0;
            let here = starting_at.get(&end).map_or(&[][..], Vec::as_slice);
            next = here.iter().copied().find(|index| !used[*index] && chain[0].0 != end);
        }
        chain
    };
    // First those that nothing leads to, then the rings.
    let beginnings = (0..stretches.len()).filter(|index| !ending_at.contains_key(&stretches[*index][0].0));
    let order: Vec<usize> = beginnings.chain(0..stretches.len()).collect();
    order.into_iter().map(&mut follow).filter(|chain| chain.len() > 1).collect()
}

impl Shores {
    fn add(&mut self, mut spots: Vec<Spot>, is_closed: bool) {
        spots.dedup();
        if is_closed {
            ring::tidy(&mut spots);
            if spots.len() > 2 && ring::area(&spots) > 0 {
                self.closed.push(spots);
            }
        } else if spots.len() > 1 {
            self.open.push(spots);
        }
    }

    /// The same shores with the water on the left.
    pub(super) fn turned(&self) -> Self {
        let turn =
            |lines: &[Vec<Spot>]| lines.iter().map(|line| line.iter().rev().copied().collect()).collect();
        Self { open: turn(&self.open), closed: turn(&self.closed) }
    }

    /// Only what lies inside of the box; every open shore then goes from border to border. The number says how many of
    /// them, from the first on, did so without being mended.
    pub(super) fn cut(self, rect: &Rect, warnings: &mut Vec<String>) -> (Self, usize) {
        let mut cut = Self::default();
        let mut parts = Vec::new();
        for line in self.open {
            parts.extend(clip::line(&line, rect));
        }
        for ring in self.closed {
            cut_ring(ring, rect, &mut cut, &mut parts);
        }
        let whole = mend(parts, rect, &mut cut, warnings);
        (cut, whole)
    }
}

fn cut_ring(mut ring: Vec<Spot>, rect: &Rect, cut: &mut Shores, parts: &mut Vec<Vec<Spot>>) {
    let Some(outside) = ring.iter().position(|spot| !rect.contains(*spot)) else {
        return cut.closed.push(ring);
    };
    // Begun outside, no part of it runs over the seam.
    ring.rotate_left(outside);
    ring.push(ring[0]);
    parts.extend(clip::line(&ring, rect));
}

/// Draws broken ends on to the border or to each other and leaves out what stays broken. Returns the number of shores
/// that needed no mending; they come first.
fn mend(parts: Vec<Vec<Spot>>, rect: &Rect, cut: &mut Shores, warnings: &mut Vec<String>) -> usize {
    let border = Border::of(rect);
    let near = rect.width().min(rect.height()) / NEAR;
    let is_whole =
        |line: &Vec<Spot>| line.first().into_iter().chain(line.last()).all(|spot| border.touches(*spot));
    let (whole, broken): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_whole);
    // A shore that only touches the border from inside encloses nothing.
    cut.open.extend(whole.into_iter().filter(|line| line.first() != line.last()));
    let unmended = cut.open.len();
    let mut left_out = 0;
    for mut line in join_near(broken, near, &border) {
        if line.len() > 3 && distance(line[0], line[line.len() - 1]) <= i64::from(near) && !is_whole(&line) {
            cut.add(line, true);
            continue;
        }
        for at_start in [true, false] {
            let end = if at_start { line[0] } else { line[line.len() - 1] };
            let (distance, spot) = border.nearest(end);
            if distance > 0 && distance <= near {
                let place = if at_start { 0 } else { line.len() };
                line.insert(place, spot);
            }
        }
        if is_whole(&line) && line.first() != line.last() {
            cut.open.push(line);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        warnings.push(format!("{left_out} coastlines end in the middle of the map: they were left out"));
    }
    unmended
}

/// Connects the end of a broken shore with the nearest start of another one, nearest pairs first.
fn join_near(mut lines: Vec<Vec<Spot>>, near: i32, border: &Border<'_>) -> Vec<Vec<Spot>> {
    /// Beyond so many the extract is no city with a few broken shores, and trying all pairs would take too long.
    const MOST: usize = 500;
    while lines.len() <= MOST {
        let loose = |spot: Spot| border.nearest(spot).0 > 0;
        let mut best: Option<(i64, usize, usize)> = None;
        for (i, a) in lines.iter().enumerate() {
            for (j, b) in lines.iter().enumerate().filter(|(j, _)| *j != i) {
                let (end, start) = (a[a.len() - 1], b[0]);
                // The border is preferred where it is nearer.
                let gap = distance(end, start);
                let closer = gap <= i64::from(near)
                    && gap <= i64::from(border.nearest(end).0)
                    && gap <= i64::from(border.nearest(start).0);
                if closer && loose(end) && loose(start) && best.is_none_or(|best| gap < best.0) {
                    best = Some((gap, i, j));
                }
            }
        }
        let Some((_, i, j)) = best else { break };
        let tail = std::mem::take(&mut lines[j]);
        lines[i].extend(tail);
        lines.swap_remove(j);
    }
    lines
}

/// The larger of the two differences, in units.
fn distance(a: Spot, b: Spot) -> i64 {
    (i64::from(a.x) - i64::from(b.x)).abs().max((i64::from(a.y) - i64::from(b.y)).abs())
}
