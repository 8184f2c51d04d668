//! `GET /api/v1/drivers/{id}/location`

use axum::extract::State;
use contracts::tracking::DriverLocation;
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use platform::http::call::Reader;
use platform::http::openapi::type_id;
use platform::http::{Json, Path};
use platform::{Error, Result};
use serde::Serialize;
use utoipa::ToSchema;

use crate::commands::report;
use crate::context::Tracking;
use crate::http::access;

/// Where a driver was last seen.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DriverPosition {
    /// The driver.
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// Degrees north (WGS 84).
    #[schema(example = 60.1699)]
    lat: f64,
    /// Degrees east.
    #[schema(example = 24.9384)]
    lon: f64,
    /// When: by the device's clock, or by ours where that is ahead.
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Timestamp,
    /// When it arrived.
    #[schema(example = "2026-11-20T12:00:01Z")]
    received_at: Timestamp,
    /// How old it is, seconds.
    #[schema(example = 7, minimum = 0)]
    age_s: i64,
    /// Radius in metres within which the device believes itself to be.
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
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.8)]
    battery: Option<f32>,
}

impl DriverPosition {
    /// What counts as of this time, looked at now.
    pub(super) fn new(at: Timestamp, seen: &DriverLocation, now: Timestamp) -> Self {
        Self {
            driver_id: seen.driver_id,
            lat: seen.position.lat(),
            lon: seen.position.lon(),
            at,
            received_at: seen.server_at,
            age_s: now.duration_since(at).as_secs().max(0),
            accuracy_m: seen.accuracy_m,
            speed_m_s: seen.speed_m_s,
            heading_deg: seen.heading_deg,
            battery: seen.battery,
        }
    }
}

/// Tells where a driver was last seen. Drivers ask for themselves.
#[utoipa::path(
    get, path = "/api/v1/drivers/{id}/location", operation_id = "get_location", tag = "positions",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "The last position.", body = DriverPosition))
)]
pub(crate) async fn get_location(
    State(tracking): State<Tracking>,
    Path(id): Path<DriverId>,
    reader: Reader,
) -> Result<Json<DriverPosition>> {
    let mut tx = tracking.db().read(&reader.scope).await?;
    access::known(&mut tx, &reader.principal, id).await?;
    let (at, seen) =
        report::latest(&tracking, &mut tx, id).await?.ok_or_else(|| Error::not_found("position"))?;
    let now = tx.now();
    tx.rollback().await?;
    Ok(Json(DriverPosition::new(at, &seen, now)))
}
