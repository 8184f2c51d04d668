//! The SQL of storefront. Row types are private; what leaves here are the entities of `crate::entities`.

pub mod factors;
pub mod quotes;
pub mod shops;
pub mod zones;

use kernel::geo::Position;
use platform::{Error, Result};

/// A position of two columns, which are null together.
fn position(lat: Option<f64>, lon: Option<f64>) -> Result<Option<Position>> {
    lat.zip(lon).map(|(lat, lon)| Position::new(lat, lon).map_err(Error::internal)).transpose()
}
