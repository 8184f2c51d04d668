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

    #[test]
    fn refuses_what_is_not_on_the_earth() {
        for (lat, lon) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Position::new(lat, lon), Err(PositionError));
        }
    }
}
