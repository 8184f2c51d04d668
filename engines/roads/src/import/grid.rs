//! A grid over the map: which pieces of road lie in which cell. It is what finds the road next to a point.

use osm::{Bounds, Point};

use crate::geometry::Flat;

/// Side of a cell in metres, when the map is not too empty for it.
const CELL_M: f64 = 150.0;
/// Cells for each piece of road, at most: a map of one long road has large cells.
const CELLS_PER_PIECE: usize = 4;
const MAX_SIDE: f64 = 1e9;

/// The grid as it is written: south, west, height and width of a cell in 1e-7 degrees, rows, columns.
pub(super) struct Grid {
    pub(super) shape: [i32; 6],
    pub(super) first: Vec<u32>,
    pub(super) pieces: Vec<u32>,
}

/// A piece is named by the number of its first point.
pub(super) fn build(points: &[Point], pieces: &[u32]) -> Grid {
    let bounds = Bounds::around(pieces.iter().flat_map(|piece| {
        let piece = *piece as usize;
        [points[piece], points[piece + 1]]
    }))
    .unwrap_or(Bounds { min: Point::default(), max: Point::default() });
    let shape = shape(&bounds, pieces.len());
    let [_, _, _, _, rows, columns] = shape;
    let cells = (i64::from(rows) * i64::from(columns)).cast_unsigned();
    let mut entries: Vec<(u32, u32)> = Vec::new();
    for piece in pieces {
        for_cells(&shape, points[*piece as usize], points[*piece as usize + 1], |cell| {
            entries.push((cell, *piece));
        });
    }
    entries.sort_unstable();
    let mut first = vec![0u32; usize::try_from(cells).expect("a few for each piece") + 1];
    for (cell, _) in &entries {
        first[*cell as usize + 1] += 1;
    }
    for cell in 1..first.len() {
        first[cell] += first[cell - 1];
    }
    Grid { shape, first, pieces: entries.into_iter().map(|(_, piece)| piece).collect() }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "sides are clamped, counts are bounded by the number of pieces"
)]
fn shape(bounds: &Bounds, pieces: usize) -> [i32; 6] {
    let height = f64::from(bounds.max.lat_e7) - f64::from(bounds.min.lat_e7) + 1.0;
    let width = f64::from(bounds.max.lon_e7) - f64::from(bounds.min.lon_e7) + 1.0;
    let mut side_m = CELL_M;
    loop {
        let [lat_side, lon_side] =
            Flat::around(bounds.centre()).reach_e7(side_m).map(|side| side.min(MAX_SIDE).round());
        let (rows, columns) = ((height / lat_side).ceil(), (width / lon_side).ceil());
        #[expect(clippy::cast_precision_loss, reason = "a bound")]
        let most = (pieces.max(16) * CELLS_PER_PIECE) as f64;
        if rows * columns <= most || side_m > 1e7 {
            let [rows, columns] = [rows as i32, columns as i32];
            return [bounds.min.lat_e7, bounds.min.lon_e7, lat_side as i32, lon_side as i32, rows, columns];
        }
        side_m *= 1.5;
    }
}

/// Every cell of the rows that the line crosses between its ends within the row, so that a long diagonal is not in
/// every cell of its box.
fn for_cells(shape: &[i32; 6], a: Point, b: Point, mut each: impl FnMut(u32)) {
    let [south, west, height, width, _, columns] = shape.map(i64::from);
    let row = |lat: i32| (i64::from(lat) - south) / height;
    let column = |lon: i64| (lon - west) / width;
    let (low, high) = if a.lat_e7 <= b.lat_e7 { (a, b) } else { (b, a) };
    let rise = i64::from(high.lat_e7) - i64::from(low.lat_e7);
    let run = i64::from(high.lon_e7) - i64::from(low.lon_e7);
    let lon_at = |lat: i64| {
        let up = (lat - i64::from(low.lat_e7)).clamp(0, rise);
        i64::from(low.lon_e7) + if rise == 0 { 0 } else { run * up / rise }
    };
    for current in row(low.lat_e7)..=row(high.lat_e7) {
        let bottom = south + current * height;
        let (start, end) = if rise == 0 {
            (i64::from(low.lon_e7), i64::from(high.lon_e7))
        } else {
            (lon_at(bottom), lon_at(bottom + height))
        };
        for column in column(start.min(end))..=column(start.max(end)) {
            each(u32::try_from(current * columns + column).expect("cells are numbered below 2^32"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_diagonal_is_in_the_cells_along_it_only() {
        let points = [Point::from_degrees(60.0, 24.0), Point::from_degrees(60.1, 24.2)];
        let many: Vec<u32> = vec![0; 10_000];
        let grid = build(&points, &many[..]);
        let [.., rows, columns] = grid.shape;
        let cells = grid.first.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let side = usize::try_from(rows + columns).unwrap();
        assert!(cells >= side / 2 && cells < 2 * side, "{cells} of {rows} x {columns}");
    }

    #[test]
    fn an_empty_wide_map_has_large_cells() {
        let points = [Point::from_degrees(-80.0, -170.0), Point::from_degrees(80.0, 170.0)];
        let grid = build(&points, &[0]);
        assert!(grid.first.len() < 100);
    }
}
