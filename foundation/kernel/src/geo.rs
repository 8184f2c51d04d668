//! Places on the earth: WGS 84 coordinates and great-circle distance.

/// Mean radius of the earth in metres (IUGG, R1).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A position in degrees (WGS 84). Always within -90..=90 and -180..=180, never NaN.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Position {
    lat: f64,
    lon: f64,
}

/// The coordinates are not a place on the earth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("latitude must be between -90 and 90 degrees, longitude between -180 and 180")]
pub struct PositionError;

impl Position {
    /// A position from degrees of latitude and longitude.
    pub fn new(lat: f64, lon: f64) -> Result<Self, PositionError> {
        if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) {
            Ok(Self { lat, lon })
        } else {
            Err(PositionError)
        }
    }

    /// Degrees north.
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    pub fn lon(self) -> f64 {
        self.lon
    }

    /// Great-circle distance in metres (haversine; error below 0.6 % against the ellipsoid).
    pub fn distance_m(self, other: Self) -> f64 {
        let half_dlat = (other.lat - self.lat).to_radians() / 2.0;
        let half_dlon = (other.lon - self.lon).to_radians() / 2.0;
        let a = half_dlat.sin().powi(2)
            + self.lat.to_radians().cos() * other.lat.to_radians().cos() * half_dlon.sin().powi(2);
        2.0 * EARTH_RADIUS_M * a.sqrt().min(1.0).asin()
    }
}

/// A simple area on the earth, small enough that degrees may be taken as a plane: zones and fences of a city.
///
/// The ring is not closed (the last corner is joined to the first), does not cross itself and does not cross the 180th
/// meridian. A point on an edge may count as inside or outside; neighbours that share an edge never both contain it.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct Polygon {
    ring: Vec<Position>,
}

/// Why corners are not an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolygonError {
    /// Three corners at least.
    #[error("an area has at least three different corners")]
    TooFew,
    /// [`Polygon::MAX_CORNERS`] at most.
    #[error("an area has at most 1,000 corners")]
    TooMany,
    /// Two edges cross or touch.
    #[error("the edges of an area must not cross")]
    Crossing,
    /// An edge is longer than half the way round: it would go the other way.
    #[error("an area must not cross the 180th meridian")]
    Meridian,
}

impl Polygon {
    /// The most corners that an area may have.
    pub const MAX_CORNERS: usize = 1_000;

    /// An area with these corners, in either direction; a last corner that repeats the first is left out.
    pub fn new(mut ring: Vec<Position>) -> Result<Self, PolygonError> {
        ring.dedup();
        while ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        match ring.len() {
            0..3 => return Err(PolygonError::TooFew),
            n if n > Self::MAX_CORNERS => return Err(PolygonError::TooMany),
            _ => {}
        }
        let polygon = Self { ring };
        if polygon.edges().any(|(a, b)| (a.lon - b.lon).abs() > 180.0) {
            return Err(PolygonError::Meridian);
        }
        if polygon.crosses_itself() {
            return Err(PolygonError::Crossing);
        }
        Ok(polygon)
    }

    /// The corners.
    pub fn corners(&self) -> &[Position] {
        &self.ring
    }

    /// Whether the place is inside (even-odd rule).
    pub fn contains(&self, place: Position) -> bool {
        let mut inside = false;
        for (a, b) in self.edges() {
            let spans = (a.lat > place.lat) != (b.lat > place.lat);
            if spans && place.lon < (b.lon - a.lon) * (place.lat - a.lat) / (b.lat - a.lat) + a.lon {
                inside = !inside;
            }
        }
        inside
    }

    fn edges(&self) -> impl Iterator<Item = (Position, Position)> + Clone {
        let next = self.ring.iter().cycle().skip(1);
        self.ring.iter().copied().zip(next.copied())
    }

    fn crosses_itself(&self) -> bool {
        let edges: Vec<_> = self.edges().collect();
        let last = edges.len() - 1;
        edges.iter().enumerate().any(|(i, one)| {
            edges.iter().enumerate().skip(i + 1).any(|(j, other)| {
                let neighbours = j == i + 1 || (i == 0 && j == last);
                if neighbours { folds_back(*one, *other, j == i + 1) } else { touch(*one, *other) }
            })
        })
    }
}

/// Twice the signed area of a triangle, in square degrees.
fn turn(a: Position, b: Position, c: Position) -> f64 {
    (b.lon - a.lon) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lon - a.lon)
}

fn within_box(a: Position, b: Position, c: Position) -> bool {
    (a.lon.min(b.lon)..=a.lon.max(b.lon)).contains(&c.lon)
        && (a.lat.min(b.lat)..=a.lat.max(b.lat)).contains(&c.lat)
}

/// Whether two edges without a common corner meet.
fn touch((a, b): (Position, Position), (c, d): (Position, Position)) -> bool {
    let (abc, abd, cda, cdb) = (turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b));
    let flat = |value: f64| value == 0.0;
    (abc * abd < 0.0 && cda * cdb < 0.0)
        || (flat(abc) && within_box(a, b, c))
        || (flat(abd) && within_box(a, b, d))
        || (flat(cda) && within_box(c, d, a))
        || (flat(cdb) && within_box(c, d, b))
}

/// Whether an edge runs back over its neighbour.
fn folds_back(one: (Position, Position), other: (Position, Position), follows: bool) -> bool {
    let (start, corner, end) = if follows { (one.0, one.1, other.1) } else { (other.0, other.1, one.1) };
    turn(start, corner, end) == 0.0 && (within_box(start, corner, end) || within_box(corner, end, start))
}

impl<'de> serde::Deserialize<'de> for Polygon {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<'de> serde::Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            lat: f64,
            lon: f64,
        }
        let raw = Raw::deserialize(deserializer)?;
        Self::new(raw.lat, raw.lon).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_known_distances() {
        let porto = Position::new(41.1579, -8.6291).unwrap();
        let lisbon = Position::new(38.7223, -9.1393).unwrap();
        let distance = porto.distance_m(lisbon);
        assert!((273_000.0..276_000.0).contains(&distance), "{distance}");
        assert!(porto.distance_m(porto) < f64::EPSILON);
        let antipode = Position::new(-41.1579, 171.3709).unwrap();
        assert!((porto.distance_m(antipode) - std::f64::consts::PI * EARTH_RADIUS_M).abs() < 1.0);
    }

    fn area(corners: &[(f64, f64)]) -> Result<Polygon, PolygonError> {
        Polygon::new(corners.iter().map(|&(lat, lon)| Position::new(lat, lon).unwrap()).collect())
    }

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    #[test]
    fn an_area_contains_what_is_inside_and_nothing_else() {
        // An L: the missing quarter is outside.
        let l = area(&[(0.0, 0.0), (0.0, 2.0), (1.0, 2.0), (1.0, 1.0), (2.0, 1.0), (2.0, 0.0)]).unwrap();
        assert!(l.contains(at(0.5, 0.5)) && l.contains(at(0.5, 1.5)) && l.contains(at(1.5, 0.5)));
        assert!(!l.contains(at(1.5, 1.5)) && !l.contains(at(-0.1, 0.5)) && !l.contains(at(0.5, 2.1)));
        // Neighbours divide a place on their common edge between them.
        let west = area(&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)]).unwrap();
        let east = area(&[(0.0, 1.0), (0.0, 2.0), (1.0, 2.0), (1.0, 1.0)]).unwrap();
        let edge = at(0.5, 1.0);
        assert!(west.contains(edge) != east.contains(edge));
    }

    #[test]
    fn corners_that_are_no_area_are_refused() {
        assert_eq!(area(&[(0.0, 0.0), (0.0, 1.0), (0.0, 0.0)]), Err(PolygonError::TooFew));
        let bow_tie = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)];
        assert_eq!(area(&bow_tie), Err(PolygonError::Crossing));
        assert_eq!(
            area(&[(0.0, 0.0), (0.0, 2.0), (0.0, 1.0), (1.0, 1.0)]),
            Err(PolygonError::Crossing),
            "folds back"
        );
        assert_eq!(area(&[(0.0, 179.0), (0.0, -179.0), (1.0, -179.0)]), Err(PolygonError::Meridian));
        let closed = area(&[(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)]).unwrap();
        assert_eq!(closed.corners().len(), 3, "the repeated corner is left out");
        let many = (0..=1_000).map(|i| at(f64::from(i) / 100.0, f64::from(i).powi(2) / 1e5));
        assert_eq!(Polygon::new(many.collect()), Err(PolygonError::TooMany));
    }

    #[test]
    fn refuses_what_is_not_on_the_earth() {
        for (lat, lon) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Position::new(lat, lon), Err(PositionError));
        }
    }
}
