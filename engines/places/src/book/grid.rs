//! A grid of cells for "what is near this point": rows of (cell row, cell column, id), sorted, so that one row of cells is one
//! binary search. The questions have a fixed small radius, for which a grid needs no tree.

use osm::Point;

/// The side of a cell: 0.002 degrees, 222 m of latitude.
const CELL_E7: i32 = 20_000;

/// Metres of 1e-7 degree of latitude.
const METRES_PER_UNIT: f64 = 0.011_119_508;

/// A rectangle of cells, ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cells {
    pub rows: (u32, u32),
    pub columns: (u32, u32),
}

/// Cells are numbered from the South Pole and the date line, so that numbers are never negative.
fn number(e7: i64) -> u32 {
    let shifted = (e7 + 1_800_000_000).clamp(0, 3_600_000_000) / i64::from(CELL_E7);
    u32::try_from(shifted).unwrap_or(0)
}

/// All cells that something within `radius_m` of `point` may lie in.
pub(super) fn around(point: Point, radius_m: f64) -> Cells {
    let latitude = (f64::from(point.lat_e7) * 1e-7).to_radians();
    let units = radius_m / METRES_PER_UNIT;
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates; the cells are clamped")]
    let (lat, lon) = (units as i64 + 1, (units / latitude.cos().max(0.01)) as i64 + 1);
    let (row, column) = (i64::from(point.lat_e7), i64::from(point.lon_e7));
    Cells {
        rows: (number(row - lat), number(row + lat)),
        columns: (number(column - lon), number(column + lon)),
    }
}

/// All cells that the rectangle around `points` touches.
pub(super) fn covering(points: &[Point]) -> Option<Cells> {
    let lat = |pick: fn(i32, i32) -> i32| points.iter().map(|point| point.lat_e7).reduce(pick);
    let lon = |pick: fn(i32, i32) -> i32| points.iter().map(|point| point.lon_e7).reduce(pick);
    let cells = |e7: i32| number(i64::from(e7));
    Some(Cells {
        rows: (cells(lat(i32::min)?), cells(lat(i32::max)?)),
        columns: (cells(lon(i32::min)?), cells(lon(i32::max)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_of_a_point_is_among_those_around_it() {
        for (lat_e7, lon_e7) in
            [(0, 0), (-850_000_000, 1_799_999_999), (471_400_000, 95_200_000), (i32::MIN, i32::MAX)]
        {
            let point = Point { lat_e7, lon_e7 };
            let (row, column) = (number(i64::from(lat_e7)), number(i64::from(lon_e7)));
            let cells = around(point, 250.0);
            assert!((cells.rows.0..=cells.rows.1).contains(&row));
            assert!((cells.columns.0..=cells.columns.1).contains(&column));
        }
    }

    #[test]
    fn nothing_covers_no_cell() {
        assert_eq!(covering(&[]), None);
    }
}
