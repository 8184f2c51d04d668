//! Cuts lines and areas to a rectangle.
//!
//! Areas are cut by the method of Sutherland and Hodgman: an area that falls into several pieces stays one ring, whose
//! pieces are connected by edges without width along the border. Those lie in the buffer of a tile, out of sight.

use super::{Polygon, ring};
use crate::mercator::{Rect, Spot};

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

const SIDES: [Side; 4] = [Side::Left, Side::Right, Side::Top, Side::Bottom];

impl Side {
    fn inside(self, spot: Spot, rect: &Rect) -> bool {
        match self {
            Self::Left => spot.x >= rect.min.x,
            Self::Right => spot.x <= rect.max.x,
            Self::Top => spot.y >= rect.min.y,
            Self::Bottom => spot.y <= rect.max.y,
        }
    }

    fn cross(self, a: Spot, b: Spot, rect: &Rect) -> Spot {
        match self {
            Self::Left => Spot { x: rect.min.x, y: y_at(a, b, rect.min.x) },
            Self::Right => Spot { x: rect.max.x, y: y_at(a, b, rect.max.x) },
            Self::Top => Spot { x: ring::crossing(a, b, rect.min.y), y: rect.min.y },
            Self::Bottom => Spot { x: ring::crossing(a, b, rect.max.y), y: rect.max.y },
        }
    }
}

fn y_at(a: Spot, b: Spot, x: i32) -> i32 {
    let swap = |spot: Spot| Spot { x: spot.y, y: spot.x };
    ring::crossing(swap(a), swap(b), x)
}

/// The part of a ring inside of the rectangle; empty when there is none.
pub fn ring(spots: &[Spot], rect: &Rect) -> Vec<Spot> {
    let Some(own) = Rect::around(spots.iter().copied()) else { return Vec::new() };
    if !own.touches(rect) {
        return Vec::new();
    }
    let mut kept = spots.to_vec();
    if rect.holds(&own) {
        return kept;
    }
    for side in SIDES {
        kept = cut(&kept, side, rect);
    }
    ring::tidy(&mut kept);
    if kept.len() < 3 { Vec::new() } else { kept }
}

fn cut(spots: &[Spot], side: Side, rect: &Rect) -> Vec<Spot> {
    let mut kept = Vec::with_capacity(spots.len() + 8);
    for (a, b) in ring::edges(spots) {
        let (from_inside, to_inside) = (side.inside(a, rect), side.inside(b, rect));
        if from_inside != to_inside {
            kept.push(side.cross(a, b, rect));
        }
        if to_inside {
            kept.push(b);
        }
    }
    kept
}

/// The part of a polygon inside of the rectangle.
pub fn polygon(polygon: &Polygon, rect: &Rect) -> Option<Polygon> {
    let outer = self::ring(&polygon.outer, rect);
    if outer.is_empty() {
        return None;
    }
    let inner =
        polygon.inner.iter().map(|hole| self::ring(hole, rect)).filter(|hole| !hole.is_empty()).collect();
    Some(Polygon { outer, inner })
}

/// The parts of a line inside of the rectangle.
pub fn line(spots: &[Spot], rect: &Rect) -> Vec<Vec<Spot>> {
    let mut parts: Vec<Vec<Spot>> = Vec::new();
    for pair in spots.windows(2) {
        let Some((a, b)) = segment(pair[0], pair[1], rect) else { continue };
        match parts.last_mut() {
            // The part goes on only where the line itself did not leave in between.
            Some(part) if part.last() == Some(&a) && a == pair[0] => part.push(b),
            _ => parts.push(vec![a, b]),
        }
    }
    parts.retain_mut(|part| {
        part.dedup();
        part.len() > 1
    });
    parts
}

/// The part of one stretch inside of the rectangle.
pub fn segment(a: Spot, b: Spot, rect: &Rect) -> Option<(Spot, Spot)> {
    let (mut from, mut to) = (a, b);
    for side in SIDES {
        match (side.inside(from, rect), side.inside(to, rect)) {
            (true, true) => {}
            (false, false) => return None,
            (false, true) => from = side.cross(from, to, rect),
            (true, false) => to = side.cross(from, to, rect),
        }
    }
    Some((from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECT: Rect = Rect { min: Spot { x: 0, y: 0 }, max: Spot { x: 100, y: 100 } };

    fn spots(list: &[(i32, i32)]) -> Vec<Spot> {
        list.iter().map(|(x, y)| Spot { x: *x, y: *y }).collect()
    }

    #[test]
    fn an_area_around_the_rectangle_becomes_the_rectangle() {
        let around = spots(&[(-50, -50), (150, -50), (150, 150), (-50, 150)]);
        assert_eq!(ring::area(&ring(&around, &RECT)), 10_000);
    }

    #[test]
    fn an_area_beside_the_rectangle_is_gone_and_one_inside_stays() {
        assert_eq!(ring(&spots(&[(101, 0), (120, 0), (120, 20)]), &RECT), []);
        let inside = spots(&[(1, 1), (50, 1), (50, 50)]);
        assert_eq!(ring(&inside, &RECT), inside);
    }

    #[test]
    fn a_line_that_leaves_and_comes_back_falls_into_parts() {
        let line_in = spots(&[(-50, 50), (50, 50), (50, 150), (60, 150), (60, 50)]);
        let parts = line(&line_in, &RECT);
        assert_eq!(parts, [spots(&[(0, 50), (50, 50), (50, 100)]), spots(&[(60, 100), (60, 50)])]);
    }

    proptest! {
        /// The even-odd rule says the same about a spot inside of the rectangle before and after the cut.
        #[test]
        fn a_spot_keeps_its_side_when_the_ring_is_cut(
            list in prop::collection::vec((-1000..1000_i32, -1000..1000_i32), 3..20),
            x in 1..100_i32, y in 1..100_i32,
        ) {
            // Coordinates on a coarse grid, so that rounding at the border cannot move an edge over the spot.
            let wide: Vec<Spot> = list.iter().map(|(x, y)| Spot { x: x * 4096, y: y * 4096 }).collect();
            let rect = Rect { min: Spot { x: 0, y: 0 }, max: Spot { x: 100 * 4096, y: 100 * 4096 } };
            let spot = Spot { x: x * 4096 - 2048, y: y * 4096 - 2048 };
            let near = ring::edges(&wide).any(|(a, b)| {
                let cross = i64::from(b.x - a.x) * i64::from(spot.y - a.y)
                    - i64::from(spot.x - a.x) * i64::from(b.y - a.y);
                let length = (i64::from(b.x - a.x).abs() + i64::from(b.y - a.y).abs()).max(1);
                (cross.abs() / length) < 4
            });
            prop_assume!(!near);
            prop_assert_eq!(ring::contains(&wide, spot), ring::contains(&ring(&wide, &rect), spot));
        }

        #[test]
        fn a_cut_line_lies_inside(list in prop::collection::vec((-300..300_i32, -300..300_i32), 2..20)) {
            let spots: Vec<Spot> = list.iter().map(|(x, y)| Spot { x: *x, y: *y }).collect();
            for part in line(&spots, &RECT) {
                prop_assert!(part.len() > 1);
                prop_assert!(part.iter().all(|spot| RECT.contains(*spot)));
            }
        }
    }
}
