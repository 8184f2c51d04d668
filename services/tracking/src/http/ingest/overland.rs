//! `POST /api/v1/ingest/overland` and `POST /api/v1/ingest/overland/{token}`

use axum::body::Body;
use axum::extract::State;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use platform::Result;
use platform::http::{Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::{body, take, unreadable};
use crate::context::Tracking;
use crate::domain::protocols::{Query, overland};

/// What the app must hear, exactly; otherwise it keeps the batch and sends it again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OverlandAnswer {
    /// Always `ok`.
    #[schema(example = "ok")]
    result: &'static str,
}

/// Takes a batch of Overland. The device's secret is the access token of the app, or the parameter `token`.
#[utoipa::path(
    post, path = "/api/v1/ingest/overland", operation_id = "ingest_overland", tag = "devices",
    params(("token" = Option<String>, Query, description = "The device's secret.",
            example = "dmt_0123456789abcdefghjkmnpqrstvwxyz")),
    request_body(content = Value, content_type = "application/json", description = "A batch of the app.",
        example = json!({ "locations": [{ "type": "Feature",
            "geometry": { "type": "Point", "coordinates": [24.9384, 60.1699] },
            "properties": { "timestamp": "2026-11-20T12:00:00Z", "speed": 4, "horizontal_accuracy": 8 } }] })),
    responses((status = 200, description = "Taken.", body = OverlandAnswer)),
    extensions(("x-own-credential" = json!(true)), ("x-any-query" = json!(true)))
)]
pub(crate) async fn ingest_overland(
    State(tracking): State<Tracking>,
    request: Request<Body>,
) -> Result<Json<OverlandAnswer>> {
    let (parts, bytes) = body::read(request).await?;
    let query = Query::read(parts.uri.query().unwrap_or_default());
    let secret = query.first(&["token"]).map(str::to_owned).or_else(|| bearer(&parts.headers));
    batch(&tracking, secret.as_deref(), &bytes).await
}

/// Takes a batch of Overland, sent to the address that adding the device gave out.
#[utoipa::path(
    post, path = "/api/v1/ingest/overland/{token}", operation_id = "ingest_overland_token", tag = "devices",
    params(("token" = String, Path, description = "The device's secret.", pattern = "^[0-9A-Za-z_-]{1,64}$",
            example = "dmt_0123456789abcdefghjkmnpqrstvwxyz")),
    request_body(content = Value, content_type = "application/json", description = "A batch of the app.",
        example = json!({ "locations": [] })),
    responses((status = 200, description = "Taken.", body = OverlandAnswer)),
    extensions(("x-own-credential" = json!(true)), ("x-any-query" = json!(true)))
)]
pub(crate) async fn ingest_overland_token(
    State(tracking): State<Tracking>,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Result<Json<OverlandAnswer>> {
    let (_, bytes) = body::read(request).await?;
    batch(&tracking, Some(&token), &bytes).await
}

async fn batch(tracking: &Tracking, secret: Option<&str>, bytes: &[u8]) -> Result<Json<OverlandAnswer>> {
    let decoded = overland(bytes);
    take(tracking, secret, decoded.as_ref().cloned().unwrap_or_default()).await?;
    decoded.map_err(unreadable)?;
    Ok(Json(OverlandAnswer { result: "ok" }))
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
