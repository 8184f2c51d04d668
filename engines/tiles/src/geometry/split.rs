//! Cuts a large area into pieces, so that a tile deals with the piece around it and not with the coast of a whole sea.
//!
//! Neighbouring pieces overlap a little: edges that only met would show as hair lines.

use super::{Polygon, clip};
use crate::mercator::{Rect, Spot};

/// Pieces are not cut further below this side (a quarter of a tile of zoom 15).
const SMALLEST: i32 = 1 << 13;

/// Pieces with at most so many spots each, as far as the size allows.
pub fn pieces(polygon: Polygon, most_spots: usize) -> Vec<Polygon> {
    let mut done = Vec::new();
    let mut open = vec![polygon];
    while let Some(polygon) = open.pop() {
        let Some(rect) = polygon.rect() else { continue };
        if polygon.spots() <= most_spots || rect.width().max(rect.height()) <= SMALLEST {
            done.push(polygon);
            continue;
        }
        open.extend(halves(rect).iter().filter_map(|half| clip::polygon(&polygon, half)));
    }
    done
}

fn halves(rect: Rect) -> [Rect; 2] {
    let centre = rect.centre();
    if rect.width() >= rect.height() {
        let overlap = rect.width() / 512;
        [
            Rect { max: Spot { x: centre.x + overlap, y: rect.max.y }, ..rect },
            Rect { min: Spot { x: centre.x - overlap, y: rect.min.y }, ..rect },
        ]
    } else {
        let overlap = rect.height() / 512;
        [
            Rect { max: Spot { x: rect.max.x, y: centre.y + overlap }, ..rect },
            Rect { min: Spot { x: rect.min.x, y: centre.y - overlap }, ..rect },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_comb_cover_what_the_comb_covered() {
        let tooth = 1 << 16;
        let mut outer = vec![Spot { x: 0, y: 0 }];
        for step in 0..200 {
            outer.push(Spot { x: step * tooth, y: 100 * tooth });
            outer.push(Spot { x: step * tooth + tooth / 2, y: 10 * tooth });
        }
        outer.push(Spot { x: 200 * tooth, y: 0 });
        let comb = Polygon { outer, inner: Vec::new() };
        let pieces = pieces(comb.clone(), 50);
        assert!(pieces.len() > 4);
        for x in 0..60 {
            for y in 0..30 {
                let spot = Spot { x: x * 200_003 + 11, y: y * 200_003 + 17 };
                assert_eq!(comb.contains(spot), pieces.iter().any(|piece| piece.contains(spot)), "{spot:?}");
            }
        }
    }
}
