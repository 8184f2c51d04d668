//! The layers around a router that is served, outermost first:
//!
//! | layer | does |
//! |---|---|
//! | [`observe`] | request id, trace, access log line, metrics |
//! | [`security`] | `nosniff`, `no-referrer`, no framing, `no-store` unless the answer says otherwise |
//! | CORS | only for configured origins; none by default |
//! | compression | gzip and brotli, unless switched off; never for event streams |
//! | problems | completes a problem document with the ids and logs its cause, once |
//! | catch-panic | a panic is a 500 problem, and its text is in the log |
//! | [`limits`] | size of the body, time until it has arrived, time until the answer begins |
//!
//! A service that is called in process is not wrapped again: the gateway's layers already stand around it.

mod context;
mod limits;
mod observe;
mod security;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, RETRY_AFTER};
use kernel::random::Random;
use kernel::time::SharedClock;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;

use super::client_addr::Network;
use super::header::{IDEMPOTENCY_KEY, RATELIMIT, RATELIMIT_POLICY, X_REQUEST_ID};
use super::problem;

pub use context::{RequestContext, Trace};
pub use limits::Limits;
pub use observe::{RouteTemplate, describe_metrics};

/// What the layers need.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Where request ids get their time from.
    pub clock: SharedClock,
    /// Where request ids and span ids come from.
    pub random: Random,
    /// Size and time.
    pub limits: Limits,
    /// Origins of foreign web pages that may call the API (`https://shop.example`).
    pub cors_origins: Vec<HeaderValue>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether answers are compressed for who accepts it.
    pub compression: bool,
    /// Whether to tell browsers to insist on HTTPS; only where this address is served by HTTPS.
    pub hsts: bool,
}

impl Edge {
    /// The defaults: compression, no foreign origins, no proxies, no HSTS.
    pub fn new(clock: SharedClock, random: Random) -> Self {
        Self {
            clock,
            random,
            limits: Limits::default(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            compression: true,
            hsts: false,
        }
    }

    /// Puts the layers around a router.
    pub fn wrap(self, router: Router) -> Router {
        let edge = Arc::new(self);
        let mut router = router
            .layer(axum::middleware::from_fn_with_state(edge.limits, limits::enforce))
            .layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
                problem::from_panic(panic.as_ref()).into_response()
            }))
            .layer(axum::middleware::from_fn(problem::layer));
        if edge.compression {
            router = router.layer(CompressionLayer::new().gzip(true).br(true));
        }
        if !edge.cors_origins.is_empty() {
            router = router.layer(cors(&edge.cors_origins));
        }
        router
            .layer(axum::middleware::from_fn_with_state(security::Hsts(edge.hsts), security::headers))
            .layer(axum::middleware::from_fn_with_state(edge, observe::observe))
    }
}

fn cors(origins: &[HeaderValue]) -> CorsLayer {
    use http::Method;
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY, X_REQUEST_ID])
        .expose_headers([ETAG, RETRY_AFTER, RATELIMIT, RATELIMIT_POLICY, X_REQUEST_ID])
        .max_age(std::time::Duration::from_mins(10))
}
