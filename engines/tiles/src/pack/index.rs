//! The search tree: a packed R-tree without pointers.
//!
//! Features stand in the order of a Hilbert curve through the middles of their boxes, so that neighbours are near each
//! other. Sixteen boxes in a row share a parent that surrounds them; sixteen parents share one, up to a single root.
//! Where children stand follows from where the parent stands, so there is nothing in a file that could point astray.

use super::wire;
use crate::mercator::{Rect, Spot};

const CHILDREN: usize = 16;

/// Number of boxes on each level, features first.
fn levels(features: usize) -> Vec<usize> {
    let mut levels = vec![features];
    while let Some(last) = levels.last().copied().filter(|last| *last > 1) {
        levels.push(last.div_ceil(CHILDREN));
    }
    levels
}

/// Number of boxes in the tree.
pub fn size(features: usize) -> usize {
    levels(features).iter().sum()
}

/// All boxes of the tree; the boxes of the features come in order.
pub fn build(features: &[Rect]) -> Vec<Rect> {
    let mut tree = features.to_vec();
    let mut level = features.to_vec();
    while level.len() > 1 {
        level = level.chunks(CHILDREN).filter_map(|row| row.iter().copied().reduce(Rect::union)).collect();
        tree.extend(&level);
    }
    tree
}

/// The numbers of the features whose box touches the rectangle, in order.
pub fn search(boxes: &[u8], features: usize, rect: &Rect) -> Vec<usize> {
    let levels = levels(features);
    let mut found = vec![0];
    let mut end = size(features);
    if features == 0 {
        return Vec::new();
    }
    for count in levels.iter().rev() {
        let start = end - count;
        found.retain(|number: &usize| {
            wire::rect_at(boxes, (start + number) * 16).is_some_and(|own| own.touches(rect))
        });
        end = start;
        if start > 0 {
            let below = levels_below(&levels, *count, start);
            found = found
                .iter()
                .flat_map(|number| number * CHILDREN..((number + 1) * CHILDREN).min(below))
                .collect();
        }
    }
    found
}

/// Number of boxes on the level below one that starts at a place in the tree.
fn levels_below(levels: &[usize], count: usize, start: usize) -> usize {
    let mut before = 0;
    for (index, level) in levels.iter().enumerate() {
        if before == start && *level == count {
            return index.checked_sub(1).map_or(0, |below| levels[below]);
        }
        before += level;
    }
    0
}

/// Place of a spot along the Hilbert curve through a grid of 2^16 by 2^16.
/// Method: <https://en.wikipedia.org/wiki/Hilbert_curve#Applications_and_mapping_algorithms>.
pub fn hilbert(spot: Spot) -> u64 {
    let grid = |value: i32| u64::from((value.max(0) >> 14).unsigned_abs().min(0xFFFF));
    let (mut x, mut y) = (grid(spot.x), grid(spot.y));
    let mut place = 0;
    for bit in (0..16).rev() {
        let side = 1 << bit;
        let (right, lower) = (u64::from(x & side != 0), u64::from(y & side != 0));
        place += side * side * ((3 * right) ^ lower);
        if lower == 0 {
            if right == 1 {
                (x, y) = (0xFFFF - x, 0xFFFF - y);
            }
            (x, y) = (y, x);
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn the_tree_finds_what_a_look_at_every_box_finds() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for features in [0, 1, 2, 15, 16, 17, 255, 256, 257, 5_000] {
            let mut rect = |size: i32| {
                let min = Spot { x: random.random_range(0..1 << 29), y: random.random_range(0..1 << 29) };
                let mut grow = || random.random_range(0..size);
                Rect { min, max: Spot { x: min.x + grow(), y: min.y + grow() } }
            };
            let mut rects: Vec<Rect> = (0..features).map(|_| rect(1 << 24)).collect();
            rects.sort_by_key(|rect| hilbert(rect.centre()));
            let tree = build(&rects);
            assert_eq!(tree.len(), size(features));
            let bytes: Vec<u8> = tree.iter().flat_map(wire::rect_bytes).collect();
            for _ in 0..50 {
                let wanted = rect(1 << 27);
                let plain: Vec<usize> =
                    (0..features).filter(|number| rects[*number].touches(&wanted)).collect();
                assert_eq!(search(&bytes, features, &wanted), plain);
            }
        }
    }

    #[test]
    fn neighbours_on_the_curve_are_neighbours_on_the_map() {
        let mut spots: Vec<Spot> =
            (0..32).flat_map(|x| (0..32).map(move |y| Spot { x: x << 14, y: y << 14 })).collect();
        spots.sort_by_key(|spot| hilbert(*spot));
        assert!(
            spots
                .windows(2)
                .all(|pair| { ((pair[0].x - pair[1].x).abs() + (pair[0].y - pair[1].y).abs()) >> 14 == 1 })
        );
    }
}
