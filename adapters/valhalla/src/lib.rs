//! Travel times of a Valhalla server: its `sources_to_targets` service.
//!
//! Written by <https://valhalla.github.io/valhalla/api/matrix/api-reference/> and the
//! [codes](https://valhalla.github.io/valhalla/api/turn-by-turn/api-reference/#internal-error-codes-and-conditions). What
//! matters of it:
//!
//! - kilometres with decimals, whole seconds; `null` is a pair without a way;
//! - one place without a road nearby refuses all pairs, and so does a place that is too far from the others (154) or on
//!   another island (170, which 3.9 also says of a place without a road);
//! - a place is looked for within 35 km unless `search_cutoff` says otherwise: here, 500 m;
//! - it stands on the nearest road, also when that is a yard or a track from which there is no way: then all its pairs are
//!   `null`. They are asked for once more with every road around it ([`AROUND_M`]). On 1,000 pairs of Heidelberg beside roads
//!   (3.9.1, `auto`) 5 % of the pairs are `null`, with 50 m for every place under 1 %;
//! - it searches each pair on live roads: 20 x 20 take some 0.3 s of a quiet core and 1.6 s on a busy one,
//!   and requests are small enough to come within two seconds.

mod somewhere;

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use platform::db::BoxFuture;
use platform::travel::tables::{self, Limits, Table, TableError, TableServer};
use platform::travel::{Answer, Endpoint};
use serde::Deserialize;
use serde_json::{Value, json};

/// The word that names it as a source.
pub const SOURCE: &str = "valhalla";

/// 12 x 12 pairs, of the 2,500 that a server accepts unless it is configured otherwise: of what is larger, four at a time on two
/// busy cores do not come in time. 256 requests are 36,864 pairs.
const LIMITS: Limits = Limits { coordinates: 24, requests: 256 };
/// Metres within which every road is tried where the nearest one leads nowhere.
const AROUND_M: u32 = 50;
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

    /// The table with the nearest roads, and what is missing in it with those around.
    async fn ask(
        &self,
        profile: Profile,
        origins: &[Position],
        destinations: &[Position],
    ) -> Result<Table, TableError> {
        let mut table = self.request(profile, origins, destinations, 0).await?;
        let width = destinations.len();
        let is_open = |row: usize, column: usize| table[row * width + column].is_none();
        for part in tables::rectangles(origins.len(), width, is_open) {
            let from: Vec<Position> = part.rows.iter().map(|row| origins[*row]).collect();
            let to: Vec<Position> = part.columns.iter().map(|column| destinations[*column]).collect();
            // What is known stays known when this fails.
            let Ok(found) = self.request(profile, &from, &to, AROUND_M).await else { break };
            let cells = part.rows.iter().flat_map(|row| part.columns.iter().map(move |to| row * width + to));
            for (cell, leg) in cells.zip(found) {
                table[cell] = table[cell].or(leg);
            }
        }
        Ok(table)
    }

    async fn request(
        &self,
        profile: Profile,
        origins: &[Position],
        destinations: &[Position],
        around_m: u32,
    ) -> Result<Table, TableError> {
        let question = question(profile, origins, destinations, around_m);
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

fn question(profile: Profile, origins: &[Position], destinations: &[Position], around_m: u32) -> Value {
    let place = |at: &Position| {
        let mut place = json!({ "lat": at.lat(), "lon": at.lon(), "search_cutoff": tables::NEAR_ROAD_M });
        if around_m > 0 {
            place["radius"] = around_m.into();
        }
        place
    };
    let places = |positions: &[Position]| -> Vec<Value> { positions.iter().map(place).collect() };
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

    fn somewhere(&self) -> BoxFuture<'_, platform::Result<Vec<Position>>> {
        Box::pin(somewhere::somewhere(&self.endpoint))
    }
}
