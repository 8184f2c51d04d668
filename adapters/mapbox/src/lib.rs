//! Travel times of Mapbox: its Matrix API, version 1.
//!
//! Written by <https://docs.mapbox.com/api/navigation/matrix/>. What matters of it:
//!
//! - 25 places at once, 10 with traffic; 60 requests a minute, 30 with traffic, and each pair costs money, so that one
//!   question may take a few requests only ([`REQUESTS`]);
//! - `null` is a pair without a way; a place is moved to the nearest road, however far that is;
//! - the access token stands in the query, and therefore in no log and no error: neither the address nor the words of an
//!   answer are taken over;
//! - with traffic it is the traffic of the moment of the question, not of the moment of leaving.

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use platform::db::BoxFuture;
use platform::travel::Endpoint;
use platform::travel::tables::{self, Limits, Rows, Table, TableError, TableServer};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The word that names it as a source.
pub const SOURCE: &str = "mapbox";
/// Where it is.
pub const ADDRESS: &str = "https://api.mapbox.com";

/// Places of one request.
const PLACES: usize = 25;
/// Places of one request with traffic.
const PLACES_IN_TRAFFIC: usize = 10;
/// Requests for one question: 1,248 pairs, or 200 with traffic. Larger ones are left to the next source.
const REQUESTS: usize = 8;

/// The service, with a token. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct Mapbox {
    endpoint: Endpoint,
    token: SecretString,
    traffic: bool,
}

/// What is read of an answer.
#[derive(Debug, Deserialize)]
struct Document {
    code: String,
    #[serde(flatten)]
    rows: Rows,
}

impl Mapbox {
    /// With an access token, and with the traffic of the moment or without. Nothing is asked yet.
    pub fn new(endpoint: Endpoint, token: SecretString, traffic: bool) -> Self {
        Self { endpoint, token, traffic }
    }

    async fn ask(
        &self,
        profile: Profile,
        origins: &[Position],
        destinations: &[Position],
    ) -> Result<Table, TableError> {
        let token = utf8_percent_encode(self.token.expose_secret(), NON_ALPHANUMERIC);
        let path = format!("{}&access_token={token}", path(self.profile(profile), origins, destinations));
        let answer = self.endpoint.get(&path).await?;
        if let Some(failure) = answer.failure() {
            return Err(failure.into());
        }
        // A refusal is 422 with a document of the same form.
        answer.json::<Document>()?.table(origins, destinations)
    }

    fn profile(&self, profile: Profile) -> &'static str {
        match profile {
            Profile::Car | Profile::Motorcycle if self.traffic => "driving-traffic",
            Profile::Car | Profile::Motorcycle => "driving",
            Profile::Bicycle | Profile::CargoBike => "cycling",
            Profile::Foot => "walking",
        }
    }
}

/// Everything but the token.
fn path(name: &str, origins: &[Position], destinations: &[Position]) -> String {
    format!("/directions-matrix/v1/mapbox/{name}/{}", tables::query(origins, destinations))
}

impl Document {
    fn table(self, origins: &[Position], destinations: &[Position]) -> Result<Table, TableError> {
        match self.code.as_str() {
            "Ok" => {}
            "NoSegment" => return Err(TableError::NoRoad),
            "NoRoute" | "NoTable" => {
                return Err(TableError::refused("NoRoute: it found no way between these places"));
            }
            "ProfileNotFound" | "InvalidInput" => {
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

impl TableServer for Mapbox {
    fn source(&self) -> &'static str {
        SOURCE
    }

    fn limits(&self, profile: Profile) -> Option<Limits> {
        let traffic = self.profile(profile) == "driving-traffic";
        let coordinates = if traffic { PLACES_IN_TRAFFIC } else { PLACES };
        Some(Limits { coordinates, requests: REQUESTS })
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

    /// It has roads everywhere: two places of its documentation, in San Francisco.
    fn somewhere(&self) -> BoxFuture<'_, platform::Result<Vec<Position>>> {
        let places = [(37.759_695, -122.426_911), (37.751_668, -122.418_408)];
        let places = places.into_iter().filter_map(|(lat, lon)| Position::new(lat, lon).ok());
        Box::pin(std::future::ready(Ok(places.collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_the_one_of_the_documentation() {
        let at = |lat, lon| Position::new(lat, lon).unwrap();
        let (shop, doors) = ([at(37.78, -122.42)], [at(37.91, -122.45), at(37.73, -122.48)]);
        assert_eq!(
            path("driving", &shop, &doors),
            "/directions-matrix/v1/mapbox/driving/-122.420000,37.780000;-122.450000,37.910000;-122.480000,37.730000\
             ?sources=0&destinations=1;2&annotations=duration,distance"
        );
    }
}
