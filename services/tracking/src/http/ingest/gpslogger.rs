//! `GET /api/v1/ingest/gpslogger/{token}`

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use platform::Result;
use platform::http::Path;

use super::take;
use crate::context::Tracking;
use crate::domain::protocols::{Query, gpslogger};

/// Takes a position of GPSLogger, sent to the address that adding the device gave out. Other parameters are read over.
#[utoipa::path(
    get, path = "/api/v1/ingest/gpslogger/{token}", operation_id = "ingest_gpslogger", tag = "devices",
    params(("token" = String, Path, description = "The device's secret.", pattern = "^[0-9A-Za-z_-]{1,64}$",
            example = "dmt_0123456789abcdefghjkmnpqrstvwxyz"),
           ("lat" = Option<String>, Query, description = "Degrees north.", example = "60.1699"),
           ("lon" = Option<String>, Query, description = "Degrees east.", example = "24.9384"),
           ("time" = Option<String>, Query, description = "When, RFC 3339.", example = "2026-11-20T12:00:00Z"),
           ("ts" = Option<String>, Query, description = "When, seconds since 1970.", example = "1795176000"),
           ("acc" = Option<String>, Query, description = "Accuracy, metres.", example = "8"),
           ("alt" = Option<String>, Query, description = "Altitude, metres.", example = "21"),
           ("spd" = Option<String>, Query, description = "Metres per second.", example = "4.5"),
           ("dir" = Option<String>, Query, description = "Degrees clockwise from north.", example = "270"),
           ("batt" = Option<String>, Query, description = "Percent.", example = "80")),
    responses((status = 200, description = "Taken.")),
    extensions(("x-own-credential" = json!(true)), ("x-any-query" = json!(true)))
)]
pub(crate) async fn ingest_gpslogger(
    State(tracking): State<Tracking>,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Result<Response> {
    let points = gpslogger(&Query::read(request.uri().query().unwrap_or_default()));
    take(&tracking, Some(&token), points).await?;
    Ok(StatusCode::OK.into_response())
}
