//! `GET /api/v1/drivers/{id}/locations`

use axum::extract::State;
use garde::Validate;
use kernel::ids::DriverId;
use kernel::time::{SignedDuration, Timestamp};
use platform::http::call::Reader;
use platform::http::pagination::{Cursor, Limit, Page};
use platform::http::{Json, Path, Query};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::Tracking;
use crate::http::access;
use crate::store::positions::{self, After, Past};

/// The longest span of one request.
const SPAN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The usual one.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Which part of the history.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// From when on; without it, a day before the end.
    #[garde(skip)]
    #[param(value_type = String, required = false, format = DateTime, example = "2026-11-20T08:00:00Z")]
    from: Option<Timestamp>,
    /// Until when, not included; without it, now. At most 7 days after the beginning.
    #[garde(skip)]
    #[param(value_type = String, required = false, format = DateTime, example = "2026-11-20T18:00:00Z")]
    until: Option<Timestamp>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "IjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCI"
    )]
    cursor: Option<Cursor>,
}

/// A position of the history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PositionRecord {
    /// Degrees north (WGS 84).
    #[schema(example = 60.1699)]
    lat: f64,
    /// Degrees east.
    #[schema(example = 24.9384)]
    lon: f64,
    /// When: by the device's clock, or by ours where that is ahead.
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Timestamp,
    /// What the device's clock said.
    #[schema(example = "2026-11-20T12:00:00Z")]
    device_at: Timestamp,
    /// When it arrived.
    #[schema(example = "2026-11-20T12:00:01Z")]
    received_at: Timestamp,
    /// The device's number of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 42)]
    sequence: Option<i64>,
    /// Radius in metres within which the device believed itself to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 8.0)]
    accuracy_m: Option<f32>,
    /// Metres per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 4.5)]
    speed_m_s: Option<f32>,
    /// Degrees clockwise from north.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 270.0)]
    heading_deg: Option<f32>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 21.0)]
    altitude_m: Option<f32>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.8)]
    battery: Option<f32>,
    /// The device's clock was more than two minutes ahead.
    #[schema(example = false)]
    clock_ahead: bool,
}

impl From<Past> for PositionRecord {
    fn from(past: Past) -> Self {
        Self {
            lat: past.position.lat(),
            lon: past.position.lon(),
            at: past.at,
            device_at: past.device_at,
            received_at: past.server_at,
            sequence: (past.sequence >= 0).then_some(past.sequence),
            accuracy_m: past.accuracy_m,
            speed_m_s: past.speed_m_s,
            heading_deg: past.heading_deg,
            altitude_m: past.altitude_m,
            battery: past.battery,
            clock_ahead: past.clock_ahead,
        }
    }
}

/// Lists where a driver was, oldest first. Drivers ask for themselves.
#[utoipa::path(
    get, path = "/api/v1/drivers/{id}/locations", operation_id = "list_locations", tag = "positions",
    params(HistoryQuery,
           ("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "A page of positions.", body = Page<PositionRecord>))
)]
pub(crate) async fn list_locations(
    State(tracking): State<Tracking>,
    Path(id): Path<DriverId>,
    reader: Reader,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Page<PositionRecord>>> {
    let mut tx = tracking.db().read(&reader.scope).await?;
    access::known(&mut tx, &reader.principal, id).await?;
    let span = span(&query, tx.now())?;
    let after = query.cursor.as_ref().map(Cursor::key::<After>).transpose()?;
    // Nothing lies before the beginning of time as PostgreSQL knows it.
    let after = after.map(|(at, device_at, source, sequence)| {
        (at.max(Timestamp::UNIX_EPOCH), device_at.max(Timestamp::UNIX_EPOCH), source, sequence)
    });
    let rows = positions::list(&mut tx, id, span, after, query.limit.fetch()).await?;
    tx.rollback().await?;
    let page = Page::cut(rows, query.limit, |past| (past.at, past.device_at, past.source, past.sequence))?;
    Ok(Json(page.map(PositionRecord::from)))
}

fn span(query: &HistoryQuery, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let until = query.until.unwrap_or(now);
    let from = match query.from {
        Some(from) => from,
        None => until.checked_sub(DAY).map_err(|error| outside("until").with_source(error))?,
    };
    if from < Timestamp::UNIX_EPOCH {
        return Err(outside("from"));
    }
    if until <= from || until.duration_since(from) > SPAN {
        return Err(Error::invalid_field("until", "must lie after `from`, and at most 7 days"));
    }
    Ok((from, until))
}

fn outside(field: &'static str) -> Error {
    Error::invalid_field(field, "lies too far in the past")
}
