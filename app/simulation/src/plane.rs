//! The local plane of an instance: metres from a corner, laid beside 0,0, where a degree is as long in both directions. Exactly
//! at 0,0 is nobody: that is what a receiver without a fix reports.

use anyhow::Context;
use kernel::geo::Position;

/// Metres of one degree on the sphere that `kernel::geo` measures on.
const METRES_PER_DEGREE: f64 = 6_371_008.8 * std::f64::consts::PI / 180.0;

/// Where the corner is, metres from 0,0 in both directions.
const CORNER_M: f64 = 1.0;

/// The place so many metres to the east and north.
pub(crate) fn place(x_m: f64, y_m: f64) -> anyhow::Result<Position> {
    Position::new((y_m + CORNER_M) / METRES_PER_DEGREE, (x_m + CORNER_M) / METRES_PER_DEGREE)
        .with_context(|| format!("{x_m},{y_m} is no place near 0,0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_plane() {
        for (a, b) in [((0.0, 0.0), (3_000.0, 4_000.0)), ((9_000.0, 200.0), (1_000.0, 11_000.0))] {
            let flat = f64::hypot(a.0 - b.0, a.1 - b.1);
            let round = place(a.0, a.1).unwrap().distance_m(place(b.0, b.1).unwrap());
            assert!((flat - round).abs() < 0.1, "{flat} {round}");
        }
    }
}
