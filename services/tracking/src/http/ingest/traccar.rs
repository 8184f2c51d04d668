//! `GET/POST /api/v1/ingest/traccar`

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use platform::{Error, Kind, Result};

use super::{body, take, unreadable};
use crate::context::Tracking;
use crate::domain::protocols::{Query, osmand, traccar};

/// Takes a message of the Traccar Client: JSON from version 9 on (the device identifier is the device's secret), or a form as
/// older versions and OsmAnd send it.
#[utoipa::path(
    post, path = "/api/v1/ingest/traccar", operation_id = "ingest_traccar", tag = "devices",
    request_body(content = Value, content_type = "application/json", description = "A message of the app.",
        example = json!({ "device_id": "dmt_0123456789abcdefghjkmnpqrstvwxyz", "location": {
            "timestamp": "2026-11-20T12:00:00Z", "coords": { "latitude": 60.1699, "longitude": 24.9384 } } })),
    responses((status = 200, description = "Taken.")),
    extensions(("x-own-credential" = json!(true)), ("x-any-query" = json!(true)))
)]
pub(crate) async fn ingest_traccar(
    State(tracking): State<Tracking>,
    request: Request<Body>,
) -> Result<Response> {
    let (parts, bytes) = body::read(request).await?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let message = traccar(&bytes).map_err(unreadable)?;
        take(&tracking, Some(&message.device), message.points).await?;
        return Ok(StatusCode::OK.into_response());
    }
    let form = Query::read(&String::from_utf8_lossy(&bytes));
    by_query(&tracking, &Query::read(parts.uri.query().unwrap_or_default()).and(form)).await
}

/// Takes a position as OsmAnd and older Traccar Clients send it. Other parameters of the protocol are read over.
#[utoipa::path(
    get, path = "/api/v1/ingest/traccar", operation_id = "ingest_traccar_query", tag = "devices",
    params(("id" = Option<String>, Query, description = "The device's secret; also `deviceid`.",
            example = "dmt_0123456789abcdefghjkmnpqrstvwxyz"),
           ("lat" = Option<String>, Query, description = "Degrees north.", example = "60.1699"),
           ("lon" = Option<String>, Query, description = "Degrees east.", example = "24.9384"),
           ("timestamp" = Option<String>, Query, description = "When; now without it.", example = "1795176000"),
           ("speed" = Option<String>, Query, description = "Knots.", example = "9.7"),
           ("accuracy" = Option<String>, Query, description = "Metres.", example = "8")),
    responses((status = 200, description = "Taken.")),
    extensions(("x-own-credential" = json!(true)), ("x-any-query" = json!(true)))
)]
pub(crate) async fn ingest_traccar_query(
    State(tracking): State<Tracking>,
    request: Request<Body>,
) -> Result<Response> {
    by_query(&tracking, &Query::read(request.uri().query().unwrap_or_default())).await
}

/// An identifier that is bad or unknown is 400 here, which is what clients of this form expect.
async fn by_query(tracking: &Tracking, query: &Query) -> Result<Response> {
    let (device, points) = osmand(query);
    take(tracking, device, points).await.map_err(|error| match error.kind() {
        Kind::NotFound => Error::new(Kind::Malformed, "unknown_device", "There is no device with this id."),
        _ => error,
    })?;
    Ok(StatusCode::OK.into_response())
}
