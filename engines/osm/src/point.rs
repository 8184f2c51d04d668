//! Positions and boxes on the globe.

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;
const E7: f64 = 1e7;
const MAX_LAT_E7: i32 = 900_000_000;
const MAX_LON_E7: i32 = 1_800_000_000;

/// A position: WGS 84, in 1e-7 degrees.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct Point {
    /// Latitude, north positive.
    pub lat_e7: i32,
    /// Longitude, east positive.
    pub lon_e7: i32,
}

impl Point {
    /// Rounds to 1e-7 degrees. What lies outside of the globe is moved to its edge; not-a-number becomes 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float to integer saturates, then it is clamped"
    )]
    pub fn from_degrees(lat: f64, lon: f64) -> Self {
        Self {
            lat_e7: ((lat * E7).round() as i32).clamp(-MAX_LAT_E7, MAX_LAT_E7),
            lon_e7: ((lon * E7).round() as i32).clamp(-MAX_LON_E7, MAX_LON_E7),
        }
    }

    /// `None` outside of -90..=90, -180..=180 degrees.
    pub fn from_e7(lat_e7: i64, lon_e7: i64) -> Option<Self> {
        let lat_e7 = i32::try_from(lat_e7).ok().filter(|v| (-MAX_LAT_E7..=MAX_LAT_E7).contains(v))?;
        let lon_e7 = i32::try_from(lon_e7).ok().filter(|v| (-MAX_LON_E7..=MAX_LON_E7).contains(v))?;
        Some(Self { lat_e7, lon_e7 })
    }

    /// Latitude in degrees.
    pub fn lat(self) -> f64 {
        f64::from(self.lat_e7) / E7
    }

    /// Longitude in degrees.
    pub fn lon(self) -> f64 {
        f64::from(self.lon_e7) / E7
    }

    /// Great-circle distance in metres (haversine).
    pub fn distance_m(self, other: Self) -> f64 {
        let (lat_a, lat_b) = (self.lat().to_radians(), other.lat().to_radians());
        let half_lat = (lat_b - lat_a) / 2.0;
        let half_lon = (other.lon() - self.lon()).to_radians() / 2.0;
        let chord = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_RADIUS_M * chord.sqrt().min(1.0).asin()
    }
}

/// A box, edges included. It never spans the date line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// South-west corner.
    pub min: Point,
    /// North-east corner.
    pub max: Point,
}

impl Bounds {
    /// The smallest box around the points; `None` without points.
    pub fn around(points: impl IntoIterator<Item = Point>) -> Option<Self> {
        let mut points = points.into_iter();
        let first = points.next()?;
        Some(points.fold(Self { min: first, max: first }, Self::with))
    }

    /// The box grown until it holds the point.
    pub fn with(self, point: Point) -> Self {
        Self {
            min: Point {
                lat_e7: self.min.lat_e7.min(point.lat_e7),
                lon_e7: self.min.lon_e7.min(point.lon_e7),
            },
            max: Point {
                lat_e7: self.max.lat_e7.max(point.lat_e7),
                lon_e7: self.max.lon_e7.max(point.lon_e7),
            },
        }
    }

    /// Inside or on the edge.
    pub fn contains(&self, point: Point) -> bool {
        (self.min.lat_e7..=self.max.lat_e7).contains(&point.lat_e7)
            && (self.min.lon_e7..=self.max.lon_e7).contains(&point.lon_e7)
    }

    /// Middle of both coordinates.
    pub fn centre(&self) -> Point {
        Point {
            lat_e7: i32::midpoint(self.min.lat_e7, self.max.lat_e7),
            lon_e7: i32::midpoint(self.min.lon_e7, self.max.lon_e7),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_degree_of_latitude_is_about_111_kilometres() {
        let metres = Point::from_degrees(60.0, 25.0).distance_m(Point::from_degrees(61.0, 25.0));
        assert!((metres - 111_195.0).abs() < 1.0, "{metres}");
    }

    #[test]
    fn positions_outside_of_the_globe_are_refused_or_moved_to_its_edge() {
        assert_eq!(Point::from_e7(900_000_001, 0), None);
        assert_eq!(Point::from_e7(0, i64::MAX), None);
        assert_eq!(Point::from_degrees(1e300, f64::NAN), Point { lat_e7: 900_000_000, lon_e7: 0 });
    }

    #[test]
    fn a_box_holds_the_points_that_it_was_drawn_around() {
        let points = [Point::from_degrees(1.0, -2.0), Point::from_degrees(-3.0, 4.0)];
        let bounds = Bounds::around(points).unwrap();
        assert!(points.into_iter().all(|point| bounds.contains(point)));
        assert_eq!(bounds.centre(), Point::from_degrees(-1.0, 1.0));
        assert_eq!(Bounds::around([]), None);
    }
}
