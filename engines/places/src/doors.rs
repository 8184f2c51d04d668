//! Where the door is, learned from where deliveries were handed over.
//!
//! A single position of a phone between houses is off by 5 to 30 m, and now and then by hundreds. The door is the median of the
//! positions after those are left out that lie further from it than three times the usual spread (median absolute deviation,
//! scaled to a standard deviation by 1.4826).

use osm::Point;

use crate::geometry::{self, Plane};

/// Positions less certain than this say nothing about a door.
const WORST_ACCURACY_M: f64 = 50.0;

/// Fewer positions make no door.
const LEAST_FIXES: usize = 3;

/// The spread of good positions: below it nothing is left out.
const USUAL_SPREAD_M: f64 = 6.0;

/// Positions that are spread wider mark no door: two entrances, or a yard.
const WIDEST_SPREAD_M: f64 = 40.0;

const MAD_TO_DEVIATION: f64 = 1.482_6;

/// Where a delivery was handed over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fix {
    /// The position.
    pub point: Point,
    /// The radius that the phone gave with it, in metres.
    pub accuracy_m: f64,
}

/// A learned door.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Door {
    /// Where it is.
    pub point: Point,
    /// Half of the positions lie within this many metres.
    pub spread_m: f64,
    /// Positions that agree.
    pub n: usize,
}

/// The door that the positions agree on. `None` with fewer than three that do, or when they are spread too wide.
pub fn learn(fixes: &[Fix]) -> Option<Door> {
    let usable =
        |fix: &&Fix| fix.accuracy_m.is_finite() && (0.0..=WORST_ACCURACY_M).contains(&fix.accuracy_m);
    let points: Vec<Point> = fixes.iter().filter(usable).map(|fix| fix.point).collect();
    let (first, spread) = centre(&points)?;
    let reach = 3.0 * MAD_TO_DEVIATION * spread.max(USUAL_SPREAD_M / MAD_TO_DEVIATION);
    let kept: Vec<Point> =
        points.iter().copied().filter(|point| geometry::distance_m(first, *point) <= reach).collect();
    let (point, spread_m) = centre(&kept)?;
    // Most of what was seen has to agree, else it is chance.
    let agrees = 2 * kept.len() > points.len();
    (agrees && spread_m <= WIDEST_SPREAD_M).then_some(Door { point, spread_m, n: kept.len() })
}

/// The median of the coordinates, and the median distance from it.
fn centre(points: &[Point]) -> Option<(Point, f64)> {
    let plane = Plane::at(*points.first()?);
    if points.len() < LEAST_FIXES {
        return None;
    }
    let (east, north): (Vec<f64>, Vec<f64>) = points.iter().map(|point| plane.to(*point)).unzip();
    let point = plane.back((median(east)?, median(north)?));
    let spread = median(points.iter().map(|other| geometry::distance_m(point, *other)).collect())?;
    Some((point, spread))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(*values.get(middle.checked_sub(1)?)?, upper)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metres east and north of a point in Vaduz.
    fn fix(east: f64, north: f64) -> Fix {
        let plane = Plane::at(Point::from_degrees(47.14, 9.52));
        Fix { point: plane.back((east, north)), accuracy_m: 10.0 }
    }

    fn from_door(door: Door) -> f64 {
        geometry::distance_m(Point::from_degrees(47.14, 9.52), door.point)
    }

    #[test]
    fn positions_around_a_door_give_the_door() {
        let fixes = [fix(1.0, 2.0), fix(-2.0, 1.0), fix(0.0, -1.0), fix(3.0, 0.0), fix(-1.0, -2.0)];
        let door = learn(&fixes).unwrap();
        assert!(from_door(door) < 1.5, "{door:?}");
        assert_eq!(door.n, 5);
    }

    #[test]
    fn a_position_from_down_the_road_is_left_out() {
        let fixes = [fix(1.0, 0.0), fix(-1.0, 1.0), fix(0.0, -1.0), fix(400.0, 300.0)];
        let door = learn(&fixes).unwrap();
        assert!(from_door(door) < 2.0, "{door:?}");
        assert_eq!(door.n, 3);
    }

    #[test]
    fn two_positions_make_no_door() {
        assert_eq!(learn(&[fix(0.0, 0.0), fix(1.0, 1.0)]), None);
        assert_eq!(learn(&[]), None);
        assert_eq!(learn(&[fix(0.0, 0.0), fix(1.0, 1.0), fix(900.0, 0.0)]), None);
    }

    #[test]
    fn uncertain_positions_do_not_count() {
        let vague = |east| Fix { accuracy_m: 120.0, ..fix(east, 0.0) };
        assert_eq!(learn(&[vague(0.0), vague(1.0), vague(2.0), fix(0.0, 0.0)]), None);
        let broken = Fix { accuracy_m: f64::NAN, ..fix(0.0, 0.0) };
        assert_eq!(learn(&[broken, broken, broken]), None);
    }

    #[test]
    fn positions_all_over_the_block_make_no_door() {
        let fixes = [fix(0.0, 0.0), fix(200.0, 0.0), fix(0.0, 200.0), fix(-200.0, 0.0), fix(0.0, -200.0)];
        assert_eq!(learn(&fixes), None);
    }
}
