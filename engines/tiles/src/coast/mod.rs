//! Where the sea is.
//!
//! An extract carries no sea, only its shore: ways with `natural=coastline`, drawn so that **land is on the left and
//! water on the right** (<https://wiki.openstreetmap.org/wiki/Tag:natural%3Dcoastline>). The ways are joined to shores,
//! cut to the box of the extract, and closed along its border. Sea and land are found by the same walk, the land with
//! every shore turned around, so that they meet exactly.
//!
//! Rules for what is not whole, in this order:
//! - No shore at all: everything is land.
//! - A shore that ends inside of the box (an extract without the nodes beyond its border) is drawn on to the border
//!   when that is near, and to the start of another broken shore when that one is near; else it is left out.
//! - When shores then do not enter and leave the border in turn, they contradict each other: first those that were
//!   drawn on are left out, then all of them. Islands and closed seas still count, and the rest is land: a map without a
//!   bay is better than a drowned town.
//!
//! Everything that was left out is told in the warnings.

mod border;
mod shores;

use crate::geometry::{Polygon, ring};
use crate::mercator::{Rect, Spot};
use border::{Border, Crossing};
pub use shores::{Shores, join};

/// Sea and land inside of a box, which they fill without overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surface {
    /// Water of the sea.
    pub sea: Vec<Polygon>,
    /// Everything else; lakes and rivers are drawn onto it.
    pub land: Vec<Polygon>,
    /// What could not be used, in plain words.
    pub warnings: Vec<String>,
}

/// Closes joined shores inside of the box.
pub fn close(shores: Shores, rect: Rect) -> Surface {
    let mut warnings = Vec::new();
    let (mut shores, whole) = shores.cut(&rect, &mut warnings);
    for trusted in [whole, 0] {
        let left_out = shores.open.len() - trusted.min(shores.open.len());
        if left_out > 0 && !alternates(&shores.open, &rect) {
            shores.open.truncate(trusted);
            warnings.push(format!(
                "{left_out} coastlines contradict each other at the border of the map: they were left out"
            ));
        }
    }
    let land = shores.turned();
    Surface {
        sea: right_of(&shores, &rect, Outside::Sea),
        land: right_of(&land, &rect, Outside::Land),
        warnings,
    }
}

/// Which of the two is being collected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    Sea,
    Land,
}

/// Along the border, a shore must come in after each one that went out.
fn alternates(open: &[Vec<Spot>], rect: &Rect) -> bool {
    let crossings = Border::of(rect).crossings(open);
    let in_turn = |(index, crossing): (usize, &Crossing)| {
        crossing.enters != crossings[(index + 1) % crossings.len()].enters
    };
    crossings.iter().enumerate().all(in_turn)
}

/// Everything on the right hand of the shores.
fn right_of(shores: &Shores, rect: &Rect, wanted: Outside) -> Vec<Polygon> {
    let mut polygons: Vec<Polygon> =
        walk(&shores.open, rect).into_iter().map(|outer| Polygon { outer, inner: Vec::new() }).collect();
    let (filled, holes): (Vec<_>, Vec<_>) =
        shores.closed.iter().cloned().partition(|ring| ring::signed_area2(ring) > 0);
    if shores.open.is_empty() && surrounded(&filled, &holes, wanted) {
        polygons.push(Polygon { outer: Border::of(rect).corners().to_vec(), inner: Vec::new() });
    }
    polygons.extend(filled.into_iter().map(|outer| Polygon { outer, inner: Vec::new() }));
    for hole in holes {
        // A ring in none of the polygons lies in the other element already, where it changes nothing.
        if let Some(polygon) = smallest_around(&mut polygons, &hole) {
            polygon.inner.push(hole);
        }
    }
    polygons
}

/// No shore reaches the border: is the wanted element what lies along it? An outermost ring tells; without any ring
/// there is land.
fn surrounded(filled: &[Vec<Spot>], holes: &[Vec<Spot>], wanted: Outside) -> bool {
    let outermost = |hole: &&Vec<Spot>| !filled.iter().any(|ring| ring::contains(ring, hole[0]));
    match wanted {
        Outside::Sea => holes.iter().any(|hole| outermost(&hole)),
        // Turned around: an island is now a filled ring, and any that lies in no lagoon speaks for the sea outside.
        Outside::Land => !filled.iter().any(|ring| !holes.iter().any(|hole| ring::contains(hole, ring[0]))),
    }
}

fn smallest_around<'a>(polygons: &'a mut [Polygon], hole: &[Spot]) -> Option<&'a mut Polygon> {
    polygons
        .iter_mut()
        .filter(|polygon| {
            let inside = hole.iter().filter(|spot| ring::contains(&polygon.outer, **spot)).count();
            inside * 2 > hole.len()
        })
        .min_by_key(|polygon| ring::area(&polygon.outer))
}

/// Follows each shore to the border and the border clockwise (water stays on the right) to the next shore that comes
/// in, until the walk is back where it began.
fn walk(open: &[Vec<Spot>], rect: &Rect) -> Vec<Vec<Spot>> {
    let border = Border::of(rect);
    let entries: Vec<(i64, usize)> = border
        .crossings(open)
        .into_iter()
        .filter(|crossing| crossing.enters)
        .map(|crossing| (crossing.position, crossing.shore))
        .collect();
    let mut used = vec![false; open.len()];
    let mut rings = Vec::new();
    for start in 0..open.len() {
        let mut outline = Vec::new();
        let mut shore = start;
        while !used[shore] {
            used[shore] = true;
            outline.extend(&open[shore]);
            let Some(exit) = open[shore].last().map(|spot| border.position(*spot)) else { break };
            let after = entries.partition_point(|(position, _)| *position < exit);
            let (entry, next) = entries[after % entries.len()];
            outline.extend(border.corners_between(exit, entry));
            shore = next;
        }
        ring::tidy(&mut outline);
        if outline.len() > 2 && ring::area(&outline) > 0 {
            rings.push(outline);
        }
    }
    rings
}

#[cfg(test)]
mod tests;
