//! Leaves out spots that nobody sees at a zoom (Douglas and Peucker).

use crate::mercator::Spot;

/// The line without the spots that lie closer than `tolerance` units to it. The ends stay.
pub fn line(spots: &[Spot], tolerance: i32) -> Vec<Spot> {
    if spots.len() < 3 || tolerance <= 0 {
        return spots.to_vec();
    }
    let mut keep = vec![false; spots.len()];
    keep[0] = true;
    keep[spots.len() - 1] = true;
    mark(spots, tolerance, &mut keep);
    spots.iter().zip(keep).filter_map(|(spot, keep)| keep.then_some(*spot)).collect()
}

/// The ring without the spots that nobody sees; empty when nothing of it is left.
pub fn ring(spots: &[Spot], tolerance: i32) -> Vec<Spot> {
    if spots.len() < 4 || tolerance <= 0 {
        return spots.to_vec();
    }
    // A ring has no ends: it is taken as two lines from its first spot to the one farthest away from that and back.
    let Some(far) = (0..spots.len()).max_by_key(|index| distance2(spots[0], spots[*index])) else {
        return Vec::new();
    };
    let mut there = line(&spots[..=far], tolerance);
    let back: Vec<Spot> = spots[far..].iter().copied().chain([spots[0]]).collect();
    let back = line(&back, tolerance);
    there.pop();
    there.extend(&back[..back.len() - 1]);
    if there.len() < 3 { Vec::new() } else { there }
}

fn mark(spots: &[Spot], tolerance: i32, keep: &mut [bool]) {
    let limit = f64::from(tolerance).powi(2);
    let mut open = vec![(0, spots.len() - 1)];
    while let Some((from, to)) = open.pop() {
        let (mut farthest, mut most) = (from, limit);
        for index in from + 1..to {
            let distance = distance2_to_stretch(spots[index], spots[from], spots[to]);
            if distance > most {
                (farthest, most) = (index, distance);
            }
        }
        if farthest != from {
            keep[farthest] = true;
            open.push((from, farthest));
            open.push((farthest, to));
        }
    }
}

fn distance2(a: Spot, b: Spot) -> i64 {
    let (x, y) = (i64::from(b.x - a.x), i64::from(b.y - a.y));
    x * x + y * y
}

fn distance2_to_stretch(spot: Spot, a: Spot, b: Spot) -> f64 {
    let (dx, dy) = (f64::from(b.x - a.x), f64::from(b.y - a.y));
    let (px, py) = (f64::from(spot.x - a.x), f64::from(spot.y - a.y));
    let length2 = dx * dx + dy * dy;
    let along = if length2 == 0.0 { 0.0 } else { ((px * dx + py * dy) / length2).clamp(0.0, 1.0) };
    (px - along * dx).powi(2) + (py - along * dy).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(list: &[(i32, i32)]) -> Vec<Spot> {
        list.iter().map(|(x, y)| Spot { x: *x, y: *y }).collect()
    }

    #[test]
    fn a_wobble_below_the_tolerance_goes_and_a_corner_stays() {
        let wobbly = spots(&[(0, 0), (50, 2), (100, 0), (100, 100)]);
        assert_eq!(line(&wobbly, 5), spots(&[(0, 0), (100, 0), (100, 100)]));
        assert_eq!(line(&wobbly, 0), wobbly);
    }

    #[test]
    fn a_ring_keeps_its_corners_and_a_speck_vanishes() {
        let square = spots(&[(0, 0), (50, 1), (100, 0), (100, 100), (0, 100)]);
        assert_eq!(ring(&square, 5).len(), 4);
        assert_eq!(ring(&spots(&[(0, 0), (1, 0), (1, 1), (0, 1)]), 5), []);
    }

    #[test]
    fn a_line_of_a_million_spots_does_not_exhaust_the_stack() {
        let zigzag: Vec<Spot> = (0..1_000_000).map(|x| Spot { x, y: x % 2 }).collect();
        assert_eq!(line(&zigzag, 2).len(), 2);
    }
}
