//! Travel times of a Valhalla server: its `sources_to_targets` service.
//!
//! Written by <https://valhalla.github.io/valhalla/api/matrix/api-reference/> and the
//! [codes](https://valhalla.github.io/valhalla/api/turn-by-turn/api-reference/#internal-error-codes-and-conditions). What
//! matters of it:
//!
//! - kilometres with decimals, whole seconds; `null` is a pair without a way;
//! - one place without a road nearby (171) refuses all pairs, and so does a place that is too far from the others (154);
//! - a place is looked for within 35 km unless `search_cutoff` says otherwise: here, 500 m.

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Matrix, Profile};
use platform::db::BoxFuture;
use platform::travel::tables::{self, Limits, Table, TableError, TableServer};
use platform::travel::{Answer, Endpoint, TravelTimes};
use serde::Deserialize;
use serde_json::{Value, json};

/// The word that names it as a source.
pub const SOURCE: &str = "valhalla";

/// 50 x 50 are the 2,500 pairs that a server accepts unless it is configured otherwise; 64 requests are 160,000 pairs.
const LIMITS: Limits = Limits { coordinates: 100, requests: 64 };
/// A loaded cargo bike, as on own roads.
const CARGO_BIKE_KM_H: u32 = 20;

/// A server. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct Valhalla {
    endpoint: Endpoint,
}

/// What is read of an answer.
#[derive(Debug, Deserialize)]
struct Document {
    sources_to_targets: Vec<Vec<Cell>>,
}

#[derive(Debug, Deserialize)]
struct Cell {
    /// Seconds.
    time: Option<f64>,
    /// Kilometres.
    distance: Option<f64>,
}

/// What is read of a refusal.
#[derive(Debug, Deserialize)]
struct Refusal {
    error_code: u32,
}

impl Valhalla {
    /// Nothing is asked yet.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }

    async fn ask(
        &self,
        profile: Profile,
        origins: &[Position],
        destinations: &[Position],
    ) -> Result<Table, TableError> {
        let question = question(profile, origins, destinations);
        let answer = self.endpoint.post("/sources_to_targets", &question).await?;
        if let Some(failure) = answer.failure() {
            return Err(failure.into());
        }
        if !answer.status.is_success() {
            return Err(refusal(&answer));
        }
        answer.json::<Document>()?.table(origins.len(), destinations.len())
    }
}

fn question(profile: Profile, origins: &[Position], destinations: &[Position]) -> Value {
    let places = |positions: &[Position]| -> Vec<Value> {
        let place =
            |at: &Position| json!({ "lat": at.lat(), "lon": at.lon(), "search_cutoff": tables::NEAR_ROAD_M });
        positions.iter().map(place).collect()
    };
    let mut question = json!({
        "sources": places(origins),
        "targets": places(destinations),
        "costing": costing(profile),
        "units": "kilometers",
    });
    if profile == Profile::CargoBike {
        question["costing_options"] = json!({ "bicycle": { "cycling_speed": CARGO_BIKE_KM_H } });
    }
    question
}

fn costing(profile: Profile) -> &'static str {
    match profile {
        Profile::Car => "auto",
        Profile::Motorcycle => "motorcycle",
        Profile::Bicycle | Profile::CargoBike => "bicycle",
        Profile::Foot => "pedestrian",
    }
}

fn refusal(answer: &Answer) -> TableError {
    let Ok(Refusal { error_code }) = answer.json() else {
        return TableError::malformed(format!("{} without a code", answer.status.as_u16()));
    };
    let why = match error_code {
        // No road nearby, roads that lead nowhere, no way, too far from the others.
        154 | 170 | 171 | 442 => return TableError::NoRoad,
        106 => "it does not offer sources_to_targets",
        124 | 125 => "it has no costing for this profile",
        150 => "it accepts fewer places or pairs at once (service_limits in its configuration)",
        _ => "the message is in its log",
    };
    TableError::refused(format!("error {error_code}: {why}"))
}

impl Document {
    fn table(self, origins: usize, destinations: usize) -> Result<Table, TableError> {
        let rows = self.sources_to_targets;
        if rows.len() != origins || rows.iter().any(|row| row.len() != destinations) {
            return Err(TableError::malformed(format!("it is not a table of {origins} x {destinations}")));
        }
        let metres = |kilometres: f64| kilometres * 1_000.0;
        rows.iter().flatten().map(|cell| tables::leg(cell.time, cell.distance.map(metres))).collect()
    }
}

impl TableServer for Valhalla {
    fn source(&self) -> &'static str {
        SOURCE
    }

    fn limits(&self, _profile: Profile) -> Option<Limits> {
        Some(LIMITS)
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
}

impl TravelTimes for Valhalla {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, platform::Result<Matrix>> {
        Box::pin(tables::matrix(self, profile, origins, destinations, leaving))
    }
}
