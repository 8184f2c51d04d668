//! `POST /api/v1/drivers/{id}/location`

use axum::body::Body;
use axum::extract::State;
use http::Request;
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use platform::auth::{Principal, Who};
use platform::http::Path;
use platform::http::call::Reader;
use platform::http::extract::require_json;
use platform::idempotency::Answer;
use platform::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::commands::batch::{Incoming, Outcome, Source};
use crate::commands::report;
use crate::context::Tracking;
use crate::domain::fix::Report;
use crate::http::access;
use crate::http::ingest::body;

/// Positions of one request.
const MAX: usize = 500;

/// One position.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lat": 60.1699, "lon": 24.9384, "at": "2026-11-20T12:00:00Z", "accuracy_m": 8.0, "sequence": 42 }))]
pub(crate) struct PositionReport {
    /// Degrees north (WGS 84).
    #[schema(minimum = -90, maximum = 90, example = 60.1699)]
    lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180, example = 24.9384)]
    lon: f64,
    /// When, by the device's clock; without it: now.
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Option<Timestamp>,
    /// Radius in metres within which the device believes itself to be.
    #[schema(example = 8.0)]
    accuracy_m: Option<f32>,
    /// Metres per second.
    #[schema(example = 4.5)]
    speed_m_s: Option<f32>,
    /// Degrees clockwise from north.
    #[schema(example = 270.0)]
    heading_deg: Option<f32>,
    /// Metres.
    #[schema(example = 21.0)]
    altitude_m: Option<f32>,
    /// 0 to 1.
    #[schema(example = 0.8)]
    battery: Option<f32>,
    /// The device's number of it: with the time, what makes a position the same when it is sent again.
    #[schema(minimum = 0, example = 42)]
    sequence: Option<i64>,
}

impl From<PositionReport> for Report {
    fn from(report: PositionReport) -> Self {
        Self {
            lat: report.lat,
            lon: report.lon,
            at: report.at,
            accuracy_m: report.accuracy_m,
            speed_m_s: report.speed_m_s,
            heading_deg: report.heading_deg,
            altitude_m: report.altitude_m,
            battery: report.battery,
            sequence: report.sequence,
        }
    }
}

/// One position, or up to 500 of them.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!([{ "lat": 60.1699, "lon": 24.9384, "at": "2026-11-20T12:00:00Z", "sequence": 42 }]))]
#[serde(untagged)]
#[expect(dead_code, reason = "the form of the body for the document; each position is read by itself")]
pub(crate) enum PositionReports {
    /// One.
    One(PositionReport),
    /// Several.
    Many(Vec<PositionReport>),
}

/// What became of a position.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PositionStatus {
    /// It is stored.
    Accepted,
    /// It was stored before.
    Duplicate,
    /// It is not kept; sending it again is of no use.
    Rejected,
}

/// What became of one position.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({ "status": "accepted" }))]
pub(crate) struct PositionResult {
    /// What became of it.
    #[schema(inline)]
    status: PositionStatus,
    /// Why it was rejected: `invalid`, `no_fix`, `inaccurate`, `too_old`, `too_fast`; more may come.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl From<Outcome> for PositionResult {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => Self { status: PositionStatus::Accepted, reason: None },
            Outcome::Duplicate => Self { status: PositionStatus::Duplicate, reason: None },
            Outcome::Rejected(why) => Self { status: PositionStatus::Rejected, reason: Some(why.as_str()) },
        }
    }
}

/// What became of the positions, in their order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({ "results": [{ "status": "accepted" }, { "status": "rejected", "reason": "inaccurate" }] }))]
pub(crate) struct PositionResults {
    /// One for each position.
    results: Vec<PositionResult>,
}

/// Reports where a driver is or was. The answer means that what was accepted is stored; what is sent again is stored once.
/// Positions may come late (72 hours) and in any order, and a bad one does not take the others with it.
#[utoipa::path(
    post, path = "/api/v1/drivers/{id}/location", operation_id = "report_location", tag = "positions",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    request_body = PositionReports,
    responses((status = 200, description = "What became of the position.", body = PositionResults),
              (status = 207, description = "What became of each position.", body = PositionResults))
)]
pub(crate) async fn report_location(
    State(tracking): State<Tracking>,
    Path(driver_id): Path<DriverId>,
    reader: Reader,
    request: Request<Body>,
) -> Result<Answer> {
    let mut tx = tracking.db().read(&reader.scope).await?;
    access::known(&mut tx, &reader.principal, driver_id).await?;
    tx.rollback().await?;
    require_json(request.headers())?;
    let (_, bytes) = body::read(request).await?;
    let (many, reports) = read(&bytes)?;
    let incoming = Incoming { driver_id, source: source(&reader.principal), reports };
    let outcomes = report::report(&tracking, reader.principal.org()?, incoming).await?;
    let results = outcomes.into_iter().map(PositionResult::from).collect();
    Answer::json(if many { 207 } else { 200 }, &PositionResults { results })
}

fn source(principal: &Principal) -> Source {
    match principal.who {
        Who::Key(key) => Source::Key(key),
        _ => Source::App,
    }
}

/// Each position by itself: what one of them lacks is its own affair.
fn read(bytes: &[u8]) -> Result<(bool, Vec<Option<Report>>)> {
    let malformed = |error: serde_json::Error| {
        Error::new(Kind::Malformed, "invalid_json", "The body is not JSON.").with_source(error)
    };
    let value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
    let one = |value: Value| serde_json::from_value::<PositionReport>(value).ok().map(Report::from);
    match value {
        Value::Array(many) if many.is_empty() || many.len() > MAX => {
            Err(Error::invalid_field("", format!("from 1 to {MAX} positions")))
        }
        Value::Array(many) => Ok((true, many.into_iter().map(one).collect())),
        Value::Object(_) => Ok((false, vec![one(value)])),
        _ => Err(Error::invalid_field("", "a position, or a list of positions")),
    }
}
