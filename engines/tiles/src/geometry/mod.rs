//! Lines and areas on the plane.
//!
//! Rings are kept **open**: the first spot is not repeated at the end.

pub mod clip;
pub mod ring;
pub mod simplify;
pub mod split;

use crate::mercator::{Rect, Spot};

/// An area with holes. The direction of the rings is not fixed here: the tile encoder turns them as its format asks.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Polygon {
    pub outer: Vec<Spot>,
    pub inner: Vec<Vec<Spot>>,
}

impl Polygon {
    pub fn of(area: &osm::areas::Polygon) -> Self {
        let ring = |points: &[osm::Point]| {
            let mut spots: Vec<Spot> = points.iter().map(|point| Spot::of(*point)).collect();
            ring::tidy(&mut spots);
            spots
        };
        Self { outer: ring(&area.outer), inner: area.inner.iter().map(|points| ring(points)).collect() }
    }

    pub fn rect(&self) -> Option<Rect> {
        Rect::around(self.outer.iter().copied())
    }

    /// Size in square units, holes taken off.
    pub fn area(&self) -> i64 {
        // Saturating: a damaged file may hold a ring that winds around itself very often.
        let holes = self.inner.iter().map(|hole| ring::area(hole)).fold(0, i64::saturating_add);
        ring::area(&self.outer).saturating_sub(holes).max(0)
    }

    pub fn contains(&self, spot: Spot) -> bool {
        ring::contains(&self.outer, spot) && !self.inner.iter().any(|hole| ring::contains(hole, spot))
    }

    pub fn spots(&self) -> usize {
        self.outer.len() + self.inner.iter().map(Vec::len).sum::<usize>()
    }
}

/// What a feature looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Geometry {
    Point(Spot),
    Lines(Vec<Vec<Spot>>),
    Areas(Vec<Polygon>),
}

impl Geometry {
    pub fn rect(&self) -> Option<Rect> {
        match self {
            Self::Point(spot) => Some(Rect { min: *spot, max: *spot }),
            Self::Lines(lines) => Rect::around(lines.iter().flatten().copied()),
            Self::Areas(areas) => Rect::around(areas.iter().flat_map(|area| area.outer.iter().copied())),
        }
    }
}
