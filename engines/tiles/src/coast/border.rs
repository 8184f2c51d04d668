//! The border of the box as one line, along which shores come in and go out.

use crate::mercator::{Rect, Spot};

/// A shore meets the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crossing {
    /// Units along the border, clockwise from its north-western corner.
    pub position: i64,
    /// Into the box, or out of it.
    pub enters: bool,
    pub shore: usize,
}

/// Positions run clockwise on the map: north side eastwards, east side southwards, and so on.
pub(super) struct Border<'a> {
    rect: &'a Rect,
    width: i64,
    height: i64,
}

impl<'a> Border<'a> {
    pub fn of(rect: &'a Rect) -> Self {
        Self { rect, width: i64::from(rect.width()), height: i64::from(rect.height()) }
    }

    pub fn length(&self) -> i64 {
        2 * (self.width + self.height)
    }

    /// Where a spot on the border lies along it.
    pub fn position(&self, spot: Spot) -> i64 {
        let (east, south) = (i64::from(spot.x - self.rect.min.x), i64::from(spot.y - self.rect.min.y));
        let position = if spot.y == self.rect.min.y {
            east
        } else if spot.x == self.rect.max.x {
            self.width + south
        } else if spot.y == self.rect.max.y {
            2 * self.width + self.height - east
        } else {
            2 * (self.width + self.height) - south
        };
        position % self.length().max(1)
    }

    /// Clockwise, from the north-western one.
    pub fn corners(&self) -> [Spot; 4] {
        let Rect { min, max } = *self.rect;
        [min, Spot { x: max.x, y: min.y }, max, Spot { x: min.x, y: max.y }]
    }

    /// The corners that are passed on the way clockwise; both at one position is no way at all.
    pub fn corners_between(&self, from: i64, to: i64) -> Vec<Spot> {
        let ahead = |position: i64| (position - from).rem_euclid(self.length().max(1));
        let mut passed: Vec<(i64, Spot)> = self
            .corners()
            .into_iter()
            .map(|corner| (ahead(self.position(corner)), corner))
            .filter(|(distance, _)| *distance > 0 && *distance < ahead(to))
            .collect();
        passed.sort_unstable();
        passed.into_iter().map(|(_, corner)| corner).collect()
    }

    /// The spot of the border that is nearest to a spot inside, and how far it is in units.
    pub fn nearest(&self, spot: Spot) -> (i32, Spot) {
        let Rect { min, max } = *self.rect;
        [
            (spot.x - min.x, Spot { x: min.x, y: spot.y }),
            (max.x - spot.x, Spot { x: max.x, y: spot.y }),
            (spot.y - min.y, Spot { x: spot.x, y: min.y }),
            (max.y - spot.y, Spot { x: spot.x, y: max.y }),
        ]
        .into_iter()
        .min()
        .unwrap_or((0, spot))
    }

    pub fn touches(&self, spot: Spot) -> bool {
        self.nearest(spot).0 == 0
    }

    /// All ends of the shores in the order of the border.
    pub fn crossings(&self, shores: &[Vec<Spot>]) -> Vec<Crossing> {
        let ends = shores.iter().enumerate().filter_map(|(shore, line)| {
            let (first, last) = (line.first()?, line.last()?);
            let crossing = |spot, enters| Crossing { position: self.position(spot), enters, shore };
            Some([crossing(*first, true), crossing(*last, false)])
        });
        let mut crossings: Vec<Crossing> = ends.flatten().collect();
        // Two shores that meet at one spot of the border: the one that goes out comes before the one that comes in,
        // because the walk looks for an entry at or after each exit.
        crossings.sort_unstable_by_key(|crossing| (crossing.position, crossing.enters));
        crossings
    }
}
