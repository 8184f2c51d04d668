//! Closed outlines: size, direction, inside or not, and where a label goes.

use super::Polygon;
use crate::mercator::{Rect, Spot};

/// Twice the signed size in square units. Positive for a ring that runs clockwise as seen on the map, because y grows
/// southwards; the tile format wants outer rings that way.
pub fn signed_area2(ring: &[Spot]) -> i64 {
    let Some(origin) = ring.first() else { return 0 };
    let from_origin = |spot: &Spot| (i128::from(spot.x - origin.x), i128::from(spot.y - origin.y));
    let twice: i128 = ring
        .windows(2)
        .map(|edge| {
            let ((ax, ay), (bx, by)) = (from_origin(&edge[0]), from_origin(&edge[1]));
            ax * by - bx * ay
        })
        .sum();
    let limit = i128::from(i64::MAX);
    i64::try_from(twice.clamp(-limit, limit)).unwrap_or(0)
}

/// In square units.
pub fn area(ring: &[Spot]) -> i64 {
    signed_area2(ring).abs() / 2
}

/// Turns the ring so that it runs clockwise on the map, or the other way round.
pub fn turn(ring: &mut [Spot], clockwise: bool) {
    if (signed_area2(ring) > 0) != clockwise {
        ring.reverse();
    }
}

/// Takes out the repeated first spot and repeats in between.
pub fn tidy(ring: &mut Vec<Spot>) {
    ring.dedup();
    while ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
}

/// The edges of an open ring, the closing one included.
pub fn edges(ring: &[Spot]) -> impl Iterator<Item = (Spot, Spot)> + '_ {
    let closing = ring.last().copied().zip(ring.first().copied());
    ring.windows(2).map(|pair| (pair[0], pair[1])).chain(closing)
}

/// Even-odd rule, exact. A spot on an edge may fall on either side.
pub fn contains(ring: &[Spot], spot: Spot) -> bool {
    let mut inside = false;
    for (a, b) in edges(ring) {
        if (a.y > spot.y) != (b.y > spot.y) {
            let side = i64::from(b.x - a.x) * i64::from(spot.y - a.y)
                - i64::from(spot.x - a.x) * i64::from(b.y - a.y);
            inside ^= (side > 0) == (b.y > a.y);
        }
    }
    inside
}

/// A spot inside the largest of the polygons for its label: the middle of the widest stretch along a level through
/// its centre of mass, so that it lies inside even in a crescent or a ring.
pub fn label_spot(polygons: &[Polygon]) -> Option<Spot> {
    let polygon = polygons.iter().max_by_key(|polygon| polygon.area())?;
    let rect = polygon.rect()?;
    let centre = centre_of_mass(&polygon.outer, rect);
    if polygon.contains(centre) && polygon.inner.is_empty() {
        return Some(centre);
    }
    [
        centre.y,
        rect.centre().y,
        i32::midpoint(rect.min.y, rect.centre().y),
        i32::midpoint(rect.max.y, rect.centre().y),
    ]
    .into_iter()
    .find_map(|level| widest_stretch(polygon, level))
    .or_else(|| polygon.outer.first().copied())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a position for a label; the cast saturates and the result is tested for lying inside"
)]
fn centre_of_mass(ring: &[Spot], rect: Rect) -> Spot {
    let origin = rect.min;
    let at = |spot: Spot| (f64::from(spot.x - origin.x), f64::from(spot.y - origin.y));
    let (mut twice, mut x, mut y) = (0.0, 0.0, 0.0);
    for (a, b) in edges(ring) {
        let ((ax, ay), (bx, by)) = (at(a), at(b));
        let cross = ax * by - bx * ay;
        twice += cross;
        x += (ax + bx) * cross;
        y += (ay + by) * cross;
    }
    if twice == 0.0 {
        return rect.centre();
    }
    let limit = |value: f64, most: i32| (value as i32).clamp(0, most);
    Spot {
        x: origin.x + limit(x / (3.0 * twice), rect.width()),
        y: origin.y + limit(y / (3.0 * twice), rect.height()),
    }
}

fn widest_stretch(polygon: &Polygon, level: i32) -> Option<Spot> {
    let mut crossings: Vec<i32> = std::iter::once(&polygon.outer)
        .chain(&polygon.inner)
        .flat_map(|ring| edges(ring))
        .filter(|(a, b)| (a.y > level) != (b.y > level))
        .map(|(a, b)| crossing(a, b, level))
        .collect();
    crossings.sort_unstable();
    let (from, to) = crossings
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .max_by_key(|(from, to)| i64::from(*to) - i64::from(*from))?;
    Some(Spot { x: i32::midpoint(from, to), y: level })
}

/// x of an edge that is not level, at a level between its ends.
pub fn crossing(a: Spot, b: Spot, level: i32) -> i32 {
    let along = i64::from(b.x - a.x) * i64::from(level - a.y) / i64::from(b.y - a.y);
    a.x + i32::try_from(along).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(spots: &[(i32, i32)]) -> Vec<Spot> {
        spots.iter().map(|(x, y)| Spot { x: *x, y: *y }).collect()
    }

    #[test]
    fn a_square_has_its_size_and_can_be_turned() {
        let mut square = ring(&[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]);
        tidy(&mut square);
        assert_eq!(square.len(), 4);
        assert_eq!(signed_area2(&square), 200);
        turn(&mut square, false);
        assert_eq!(signed_area2(&square), -200);
        assert_eq!(area(&square), 100);
    }

    #[test]
    fn a_spot_is_inside_or_outside_of_a_ring_with_a_notch() {
        let notched = ring(&[(0, 0), (10, 0), (10, 10), (5, 5), (0, 10)]);
        assert!(contains(&notched, Spot { x: 2, y: 3 }));
        assert!(!contains(&notched, Spot { x: 5, y: 8 }));
        assert!(!contains(&notched, Spot { x: 11, y: 3 }));
    }

    #[test]
    fn the_label_of_a_horseshoe_and_of_a_ring_lies_inside_of_it() {
        let horseshoe =
            ring(&[(0, 0), (100, 0), (100, 100), (80, 100), (80, 20), (20, 20), (20, 100), (0, 100)]);
        let horseshoe = Polygon { outer: horseshoe, inner: Vec::new() };
        assert!(horseshoe.contains(label_spot(std::slice::from_ref(&horseshoe)).unwrap()));
        let ringed = Polygon {
            outer: ring(&[(0, 0), (100, 0), (100, 100), (0, 100)]),
            inner: vec![ring(&[(10, 10), (10, 90), (90, 90), (90, 10)])],
        };
        assert!(ringed.contains(label_spot(std::slice::from_ref(&ringed)).unwrap()));
        assert_eq!(label_spot(&[]), None);
    }
}
