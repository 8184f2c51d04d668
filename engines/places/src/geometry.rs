//! Plane geometry on points that lie within a few kilometres of each other.
//!
//! Degrees are turned into metres around one point (equirectangular); at 5 km the error is below 0.1 %.

use osm::Point;
use osm::areas::ring_contains;

/// Metres per 1e-7 degree of latitude, on the mean radius of 6,371,008.8 m.
const METRES_PER_UNIT: f64 = 0.011_119_508;

/// A plane with its origin at one point; coordinates in metres, east and north.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    origin: Point,
    metres_per_lon: f64,
}

impl Plane {
    pub fn at(origin: Point) -> Self {
        let latitude = f64::from(origin.lat_e7) * 1e-7;
        Self { origin, metres_per_lon: METRES_PER_UNIT * latitude.to_radians().cos().max(1e-6) }
    }

    pub fn to(self, point: Point) -> (f64, f64) {
        let east = f64::from(point.lon_e7) - f64::from(self.origin.lon_e7);
        let north = f64::from(point.lat_e7) - f64::from(self.origin.lat_e7);
        (east * self.metres_per_lon, north * METRES_PER_UNIT)
    }

    pub fn back(self, (east, north): (f64, f64)) -> Point {
        let unit = |origin: i32, metres: f64, scale: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of the type first")]
            let value = (f64::from(origin) + metres / scale)
                .round()
                .clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32;
            value
        };
        Point {
            lat_e7: unit(self.origin.lat_e7, north, METRES_PER_UNIT),
            lon_e7: unit(self.origin.lon_e7, east, self.metres_per_lon),
        }
    }
}

/// Metres between two points that are near each other.
pub(crate) fn distance_m(a: Point, b: Point) -> f64 {
    let (east, north) = Plane::at(a).to(b);
    east.hypot(north)
}

/// The nearest point of segment `a`-`b` to the origin of `plane`: its distance in metres and the share of the segment before it.
pub(crate) fn to_segment(plane: Plane, a: Point, b: Point) -> (f64, f64) {
    let ((ax, ay), (bx, by)) = (plane.to(a), plane.to(b));
    let (dx, dy) = (bx - ax, by - ay);
    let length2 = dx * dx + dy * dy;
    let share = if length2 > 0.0 { ((-ax * dx - ay * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
    ((ax + share * dx).hypot(ay + share * dy), share)
}

/// Where along a line, in metres from its start, the nearest point to `point` is, and how far away.
pub(crate) fn along(line: &[Point], point: Point) -> Option<(f64, f64)> {
    let plane = Plane::at(point);
    let mut before = 0.0;
    let mut best: Option<(f64, f64)> = None;
    for (a, b) in line.iter().zip(line.iter().skip(1)) {
        let (distance, share) = to_segment(plane, *a, *b);
        let length = distance_m(*a, *b);
        if best.is_none_or(|(_, nearest)| distance < nearest) {
            best = Some((before + share * length, distance));
        }
        before += length;
    }
    best
}

/// The point `metres` after the start of a line, or its end.
pub(crate) fn point_at(line: &[Point], metres: f64) -> Option<Point> {
    let mut left = metres.max(0.0);
    for (a, b) in line.iter().zip(line.iter().skip(1)) {
        let length = distance_m(*a, *b);
        if left <= length && length > 0.0 {
            return Some(between(*a, *b, left / length));
        }
        left -= length;
    }
    line.last().copied()
}

/// The length of a line in metres.
pub(crate) fn length_m(line: &[Point]) -> f64 {
    line.iter().zip(line.iter().skip(1)).map(|(a, b)| distance_m(*a, *b)).sum()
}

/// The point that divides `a`-`b` at `share`.
pub(crate) fn between(a: Point, b: Point, share: f64) -> Point {
    let plane = Plane::at(a);
    let (east, north) = plane.to(b);
    plane.back((east * share, north * share))
}

/// Metres from `point` to the border of a ring.
pub(crate) fn to_ring(ring: &[Point], point: Point) -> f64 {
    let plane = Plane::at(point);
    ring.iter()
        .zip(ring.iter().skip(1))
        .map(|(a, b)| to_segment(plane, *a, *b).0)
        .fold(f64::INFINITY, f64::min)
}

/// A point inside a ring: its centroid, or, when that lies outside, the middle of the widest piece of the line of latitude
/// through it.
pub(crate) fn point_on_surface(ring: &[Point]) -> Option<Point> {
    let first = *ring.first()?;
    let centroid = centroid(ring, first);
    if ring_contains(ring, centroid) {
        return Some(centroid);
    }
    let mut crossings: Vec<f64> = Vec::new();
    let y = f64::from(centroid.lat_e7) + 0.5;
    for (a, b) in ring.iter().zip(ring.iter().skip(1)) {
        let (ay, by) = (f64::from(a.lat_e7), f64::from(b.lat_e7));
        if (ay > y) != (by > y) {
            let (ax, bx) = (f64::from(a.lon_e7), f64::from(b.lon_e7));
            crossings.push(ax + (y - ay) / (by - ay) * (bx - ax));
        }
    }
    crossings.sort_by(f64::total_cmp);
    let widest = crossings.chunks_exact(2).max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    #[expect(clippy::cast_possible_truncation, reason = "lies between two longitudes of the ring")]
    Some(
        widest.map_or(first, |pair| Point {
            lon_e7: f64::midpoint(pair[0], pair[1]).round() as i32,
            ..centroid
        }),
    )
}

fn centroid(ring: &[Point], first: Point) -> Point {
    let plane = Plane::at(first);
    let (mut area2, mut x, mut y) = (0.0, 0.0, 0.0);
    for (a, b) in ring.iter().zip(ring.iter().skip(1)) {
        let ((ax, ay), (bx, by)) = (plane.to(*a), plane.to(*b));
        let cross = ax * by - bx * ay;
        area2 += cross;
        x += (ax + bx) * cross;
        y += (ay + by) * cross;
    }
    if area2.abs() < 1e-6 {
        return middle(ring).unwrap_or(first);
    }
    plane.back((x / (3.0 * area2), y / (3.0 * area2)))
}

/// The middle of the points of something without a surface.
pub(crate) fn middle(points: &[Point]) -> Option<Point> {
    let count = i64::try_from(points.len()).ok().filter(|count| *count > 0)?;
    let sum = |of: fn(&Point) -> i32| points.iter().map(|point| i64::from(of(point))).sum::<i64>() / count;
    Some(Point {
        lat_e7: i32::try_from(sum(|point| point.lat_e7)).ok()?,
        lon_e7: i32::try_from(sum(|point| point.lon_e7)).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat_e7: i32, lon_e7: i32) -> Point {
        Point { lat_e7, lon_e7 }
    }

    #[test]
    fn the_point_of_a_horseshoe_lies_on_it() {
        let ring = vec![
            at(0, 0),
            at(0, 3000),
            at(3000, 3000),
            at(3000, 2000),
            at(1000, 2000),
            at(1000, 1000),
            at(3000, 1000),
            at(3000, 0),
            at(0, 0),
        ];
        let point = point_on_surface(&ring).unwrap();
        assert!(ring_contains(&ring, point), "{point:?}");
    }

    #[test]
    fn a_point_is_found_again_along_a_line() {
        let line = [at(470_000_000, 90_000_000), at(470_000_000, 90_100_000), at(470_100_000, 90_100_000)];
        let half = length_m(&line) / 2.0;
        let point = point_at(&line, half).unwrap();
        let (metres, away) = along(&line, point).unwrap();
        assert!((metres - half).abs() < 0.5 && away < 0.1, "{metres} {half} {away}");
    }

    #[test]
    fn degenerate_shapes_give_a_point_or_nothing() {
        assert_eq!(point_on_surface(&[]), None);
        assert_eq!(point_on_surface(&[at(5, 5), at(5, 5)]), Some(at(5, 5)));
        assert_eq!(along(&[at(1, 1)], at(0, 0)), None);
        assert_eq!(point_at(&[], 3.0), None);
    }
}
