//! The gateway's own operations.

pub(crate) mod docs;
pub(crate) mod health;
mod keys;
mod metrics;
mod websocket;

use std::sync::Arc;

use platform::auth::KeySet;
use platform::http::openapi::Api;
use platform::http::operations::RateLimits;
use secrecy::SecretString;
use utoipa_axum::routes;

use crate::realtime::{sse, ws};
use crate::{NAME, Phones, Readiness, Realtime, RenderMetrics};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) keys: Arc<dyn KeySet>,
    pub(crate) readiness: Arc<dyn Readiness>,
    pub(crate) metrics: RenderMetrics,
    pub(crate) metrics_token: Option<SecretString>,
    /// Time zones for forms, and the one of this machine.
    pub(crate) zones: Arc<[String]>,
    pub(crate) zone: String,
    pub(crate) phones: Phones,
    pub(crate) realtime: Option<Realtime>,
    /// Quotas of what comes over connections that stay.
    pub(crate) limits: Option<RateLimits>,
}

/// What every process answers about itself.
pub(crate) fn probes() -> Api<Shared> {
    Api::new(NAME)
        .routes(routes!(health::liveness))
        .routes(routes!(health::readiness))
        .routes(routes!(metrics::metrics))
        .routes(routes!(keys::jwks))
}

pub(crate) fn routes() -> Api<Shared> {
    let api = probes()
        .routes(routes!(health::health))
        .routes(routes!(websocket::websocket))
        .routes(routes!(ws::connect_realtime))
        .routes(routes!(sse::stream_events))
        .routes(routes!(crate::grpc::stream_positions))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::page))
        .routes(routes!(docs::style));
    crate::pages::routes(crate::views::routes(api))
}
