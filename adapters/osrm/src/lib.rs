//! Travel times of an OSRM server: its `table` service.
//!
//! Written by <https://project-osrm.org/docs/v5.24.0/api/#table-service>. What matters of it:
//!
//! - a server that is started by `osrm-routed` has the roads of **one** profile and does not look at the name of it in the
//!   path, so that only the profiles that the operator names are asked for ([`Roads`]);
//! - a place is moved to the nearest road, however far that is: what was moved by more than 500 m is not known;
//! - `null` is a pair without a way; `NoSegment` refuses all pairs because of one place;
//! - `--max-table-size` is 100 unless it was changed: origins times destinations are not more than its square.

mod roads;

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use platform::db::BoxFuture;
use platform::travel::Endpoint;
use platform::travel::tables::{self, Limits, Rows, Table, TableError, TableServer};
use serde::Deserialize;

pub use roads::{Roads, RoadsError};

/// The word that names it as a source.
pub const SOURCE: &str = "osrm";

/// What a server accepts unless it was started otherwise, and 64 requests: 160,000 pairs.
const LIMITS: Limits = Limits { coordinates: 100, requests: 64 };

/// Degrees around a place that are tried: a kilometre or two.
const AROUND: [(f64, f64); 5] = [(0.0, 0.0), (0.01, 0.0), (-0.01, 0.0), (0.0, 0.02), (0.0, -0.02)];

/// A server. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct Osrm {
    endpoint: Endpoint,
    roads: Roads,
}

/// What is read of an answer.
#[derive(Debug, Deserialize)]
struct Document {
    code: String,
    #[serde(flatten)]
    rows: Rows,
}

impl Osrm {
    /// A server that has these roads. Nothing is asked yet.
    pub fn new(endpoint: Endpoint, roads: Roads) -> Self {
        Self { endpoint, roads }
    }

    async fn ask(
        &self,
        profile: Profile,
        origins: &[Position],
        destinations: &[Position],
    ) -> Result<Table, TableError> {
        let name = self.roads.name(profile).unwrap_or_default();
        let answer = self.endpoint.get(&path(name, origins, destinations)).await?;
        if let Some(failure) = answer.failure() {
            return Err(failure.into());
        }
        // A refusal is 400 with a document of the same form.
        let document: Document = answer.json()?;
        document.table(origins, destinations)
    }
}

/// A way of finding out where the roads are: the nearest one to a place, however far that is.
#[derive(Debug, Deserialize)]
struct Nearest {
    #[expect(dead_code, reason = "whoever says none is no OSRM")]
    code: String,
    #[serde(default)]
    waypoints: Vec<Waypoint>,
}

#[derive(Debug, Deserialize)]
struct Waypoint {
    /// Longitude, latitude.
    location: [f64; 2],
}

impl Osrm {
    async fn nearest(&self, place: Position) -> platform::Result<Option<Position>> {
        let name = self.roads.first().unwrap_or_default();
        let path = format!("/nearest/v1/{name}/{:.6},{:.6}", place.lon(), place.lat());
        let answer = self.endpoint.get(&path).await?;
        if let Some(failure) = answer.failure() {
            return Err(failure);
        }
        let found: Nearest = answer.json()?;
        Ok(found.waypoints.first().and_then(|found| Position::new(found.location[1], found.location[0]).ok()))
    }

    /// In the middle between its southern and its northern end, and around it.
    async fn middle(&self) -> platform::Result<Vec<Position>> {
        let ends = [-85.0, 85.0].map(|lat| Position::new(lat, 0.0));
        let mut found = Vec::new();
        for end in ends.into_iter().flatten() {
            found.extend(self.nearest(end).await?);
        }
        let [south, north] = found.as_slice() else { return Ok(Vec::new()) };
        let middle = (south.lat().midpoint(north.lat()), south.lon().midpoint(north.lon()));
        let around = AROUND.map(|(lat, lon)| Position::new(middle.0 + lat, middle.1 + lon));
        let mut places = Vec::new();
        for place in around.into_iter().flatten() {
            places.extend(self.nearest(place).await?);
        }
        Ok(places)
    }
}

/// `/table/v1/car/24.94,60.17;24.95,60.16?sources=0&destinations=1&annotations=duration,distance`
fn path(name: &str, origins: &[Position], destinations: &[Position]) -> String {
    format!("/table/v1/{name}/{}", tables::query(origins, destinations))
}

impl Document {
    fn table(self, origins: &[Position], destinations: &[Position]) -> Result<Table, TableError> {
        match self.code.as_str() {
            "Ok" => {}
            "NoSegment" => return Err(TableError::NoRoad),
            "NoTable" => return Err(TableError::refused("NoTable: it found no way between these places")),
            "TooBig" => {
                return Err(TableError::refused(format!(
                    "TooBig: it accepts fewer than {} places at once; start it with --max-table-size {0}",
                    LIMITS.coordinates
                )));
            }
            "InvalidUrl" | "InvalidService" | "InvalidVersion" | "InvalidOptions" | "InvalidQuery"
            | "InvalidValue" => {
                return Err(TableError::refused(format!(
                    "{}: it does not understand the request",
                    self.code
                )));
            }
            _ => return Err(TableError::malformed("its code is not one of the protocol")),
        }
        self.rows.table(origins, destinations)
    }
}

impl TableServer for Osrm {
    fn source(&self) -> &'static str {
        SOURCE
    }

    fn limits(&self, profile: Profile) -> Option<Limits> {
        self.roads.name(profile).map(|_name| LIMITS)
    }

    fn table<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        _leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Table, TableError>> {
        Box::pin(self.ask(profile, origins, destinations))
    }

    fn somewhere(&self) -> BoxFuture<'_, platform::Result<Vec<Position>>> {
        Box::pin(self.middle())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_the_one_of_the_documentation() {
        let at = |lat, lon| Position::new(lat, lon).unwrap();
        let (shop, doors) =
            ([at(52.517_037, 13.388_86)], [at(52.529_407, 13.397_634), at(52.523_219, 13.428_555)]);
        assert_eq!(
            path("car", &shop, &doors),
            "/table/v1/car/13.388860,52.517037;13.397634,52.529407;13.428555,52.523219\
             ?sources=0&destinations=1;2&annotations=duration,distance"
        );
    }
}
