//! `POST /api/v1/ingest/owntracks`

use axum::body::Body;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use platform::Result;
use platform::http::Json;
use serde_json::{Value, json};

use super::{body, take, unreadable};
use crate::context::Tracking;
use crate::domain::protocols::owntracks;

/// Takes a message of OwnTracks over HTTP: positions, transitions, and others, which are read over. HTTP Basic: any user name,
/// the device's secret as password.
#[utoipa::path(
    post, path = "/api/v1/ingest/owntracks", operation_id = "ingest_owntracks", tag = "devices",
    request_body(content = Value, content_type = "application/json", description = "A message of the app.",
        example = json!({ "_type": "location", "lat": 60.1699, "lon": 24.9384, "tst": 1_795_176_000, "tid": "ad", "acc": 13 })),
    responses((status = 200, description = "Taken; there is nothing to say back.", body = Vec<Value>, example = json!([]))),
    extensions(("x-own-credential" = json!(true)), ("x-any-query" = json!(true)))
)]
pub(crate) async fn ingest_owntracks(
    State(tracking): State<Tracking>,
    request: Request<Body>,
) -> Result<Json<Value>> {
    let (parts, bytes) = body::read(request).await?;
    let secret = password(&parts.headers);
    let decoded = owntracks(&bytes);
    // Who is not known hears so, whatever the message is.
    take(&tracking, secret.as_deref(), decoded.as_ref().cloned().unwrap_or_default()).await?;
    decoded.map_err(unreadable)?;
    Ok(Json(json!([])))
}

/// The password of HTTP Basic (RFC 7617).
fn password(headers: &HeaderMap) -> Option<String> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let both = String::from_utf8(STANDARD.decode(credential.trim()).ok()?).ok()?;
    both.split_once(':').map(|(_, password)| password.to_owned())
}
