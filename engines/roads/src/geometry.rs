//! Plane geometry on small pieces of the globe.

use osm::Point;

/// Metres per 1e-7 degrees of latitude (mean radius of the earth).
const M_PER_E7: f64 = 6_371_008.8 * std::f64::consts::PI / 180.0 / 1e7;

/// Bearing in degrees, 0 north, 90 east.
pub(crate) fn bearing(from: Point, to: Point) -> f64 {
    let flat = Flat::around(from);
    let [x, y] = flat.metres(to);
    x.atan2(y).to_degrees().rem_euclid(360.0)
}

/// A plane that touches the globe at a point: exact to a thousandth within some kilometres.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flat {
    centre: Point,
    x_per_e7: f64,
}

impl Flat {
    pub(crate) fn around(centre: Point) -> Self {
        Self { centre, x_per_e7: M_PER_E7 * centre.lat().to_radians().cos() }
    }

    /// Metres east and north of the centre.
    pub(crate) fn metres(&self, point: Point) -> [f64; 2] {
        let lat = i64::from(point.lat_e7) - i64::from(self.centre.lat_e7);
        let lon = i64::from(point.lon_e7) - i64::from(self.centre.lon_e7);
        // Both differences are below 2^33 and therefore exact.
        [exact(lon) * self.x_per_e7, exact(lat) * M_PER_E7]
    }

    /// Half the sides, in 1e-7 degrees (latitude, longitude), of a box that holds everything within a distance.
    pub(crate) fn reach_e7(&self, metres: f64) -> [f64; 2] {
        [metres / M_PER_E7, metres / self.x_per_e7.max(1e-6)]
    }
}

#[expect(clippy::cast_precision_loss, reason = "differences of coordinates are below 2^53")]
fn exact(value: i64) -> f64 {
    value as f64
}

/// The point of a line nearest to the origin: share of the line, square of the distance.
pub(crate) fn nearest_on([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> (f64, f64) {
    let (dx, dy) = (bx - ax, by - ay);
    let length2 = dx * dx + dy * dy;
    let share = if length2 > 0.0 { (-(ax * dx + ay * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
    let (x, y) = (ax + share * dx, ay + share * dy);
    (share, x * x + y * y)
}

/// The point at a share of the line.
pub(crate) fn between(a: Point, b: Point, share: f64) -> Point {
    let lat = a.lat() + (b.lat() - a.lat()) * share;
    Point::from_degrees(lat, a.lon() + (b.lon() - a.lon()) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearings_run_clockwise_from_north() {
        let here = Point::from_degrees(60.0, 24.0);
        for (lat, lon, wanted) in
            [(60.1, 24.0, 0.0), (60.0, 24.1, 90.0), (59.9, 24.0, 180.0), (60.0, 23.9, 270.0)]
        {
            assert!((bearing(here, Point::from_degrees(lat, lon)) - wanted).abs() < 0.1);
        }
    }

    #[test]
    fn the_nearest_point_of_a_line_may_be_its_end() {
        assert_eq!(nearest_on([-1.0, 2.0], [1.0, 2.0]), (0.5, 4.0));
        assert_eq!(nearest_on([1.0, 0.0], [3.0, 0.0]), (0.0, 1.0));
        assert!(nearest_on([1.0, 1.0], [1.0, 1.0]).0.abs() < 1e-12);
    }
}
