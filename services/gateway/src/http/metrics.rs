//! Prometheus metrics. They tell much about a business, so only this machine may read them, or who has the token.

use axum::Extension;
use axum::extract::State;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use platform::http::ClientIp;
use platform::{Error, Result};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::Shared;

/// The metrics of this process.
///
/// For callers on the same machine, or with the configured metrics token as bearer.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "installation",
    responses(
        (status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain"),
        (status = 401, description = "From another machine, without the token."),
    ),
    extensions(("x-probe" = json!(true)))
)]
pub(crate) async fn metrics(
    State(shared): State<Shared>,
    client: Option<Extension<ClientIp>>,
    headers: HeaderMap,
) -> Result<([(http::HeaderName, &'static str); 1], String)> {
    let local = client.is_some_and(|Extension(client)| client.0.is_loopback());
    if !local && !has_token(&headers, shared.metrics_token.as_ref()) {
        return Err(Error::unauthenticated());
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (shared.metrics)()))
}

fn has_token(headers: &HeaderMap, token: Option<&SecretString>) -> bool {
    let presented = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match (presented, token) {
        (Some(presented), Some(token)) => presented.as_bytes().ct_eq(token.expose_secret().as_bytes()).into(),
        _ => false,
    }
}
