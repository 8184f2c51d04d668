//! The gateway: the one door of the installation. It owns no data.
//!
//! It knows the operations of all services from their documents, authenticates, counts and admits requests
//! ([`platform::http::operations::Gate`]), and hands each to the service that owns the operation, over a
//! [`Channel`]. Its own operations are health, metrics, keys, the API document and its readable page, the connections of clients
//! that stay ([`realtime`], `grpc`), and aggregated `views`.
//!
//! Events in and out: none. Invariants: a path that is not in the document does not exist; headers that belong to one
//! connection never travel to the next; what a service answers is passed on unchanged.

mod call;
mod forward;
mod grpc;
mod http;
pub mod identity;
mod page;
mod pages;
mod permissions;
pub mod phones;
mod positions;
pub mod realtime;
#[cfg(test)]
mod tests;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::{Extension, Router};
use platform::auth::KeySet;
use platform::http::openapi::{self, Document, Info, ServiceApi};
use platform::http::operations::{Authenticator, Gate, RateLimits};
use platform::http::{Channel, layers::Edge};
use platform::service::Manifest;
use platform::{Error, Result};
use secrecy::SecretString;

pub use http::health::{Dependency, Readiness};
pub use permissions::PERMISSIONS;
pub use phones::{Phones, Trust};
pub use realtime::Realtime;

/// The name of this service.
pub const NAME: &str = "gateway";

const INFO: Info = Info {
    title: "DropMate",
    version: env!("CARGO_PKG_VERSION"),
    description: "Run your own deliveries: orders, drivers, routes and live tracking, on your own data.",
    licence: "AGPL-3.0-only",
};

/// Writes the metrics of this process in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the service declares about itself. It owns nothing durable, but has a login role, which sees who else runs and
/// which sessions were revoked.
pub fn manifest() -> Manifest {
    // Its rows of the permission table are joined by the runtime, not by what migrates.
    Manifest { name: NAME, migrations: None, subjects: &[], permissions: PERMISSIONS, sealed: &[] }
}

/// What every process answers about itself.
#[derive(Clone)]
pub struct About {
    /// Keys published at `/.well-known/jwks.json`.
    pub keys: Arc<dyn KeySet>,
    /// Says which dependencies are away.
    pub readiness: Arc<dyn Readiness>,
    /// For `/metrics`.
    pub metrics: RenderMetrics,
    /// Who presents it may read `/metrics` from anywhere; without it only this machine may.
    pub metrics_token: Option<SecretString>,
}

/// `/healthz`, `/readyz`, `/metrics` and the key set, for a process without a gateway.
pub fn probes(about: &About) -> Result<Router> {
    Ok(http::probes().with_state(about.shared()).finish(&[])?.router())
}

impl About {
    fn shared(&self) -> http::Shared {
        http::Shared {
            keys: Arc::clone(&self.keys),
            readiness: Arc::clone(&self.readiness),
            metrics: Arc::clone(&self.metrics),
            metrics_token: self.metrics_token.clone(),
            zones: jiff::tz::db()
                .available()
                .map(|zone| zone.to_string())
                .filter(|zone| zone.contains('/'))
                .collect(),
            phones: Phones::default(),
            realtime: None,
            limits: None,
            zone: jiff::tz::TimeZone::system().iana_name().unwrap_or("Europe/Berlin").to_owned(),
        }
    }
}

/// What the gateway is handed.
#[derive(Clone)]
pub struct Deps {
    /// The services behind it, and how to reach each.
    pub services: Vec<(ServiceApi, Channel)>,
    /// Finds out who calls.
    pub authenticator: Authenticator,
    /// Quotas; `None` counts nothing.
    pub limits: Option<RateLimits>,
    /// Keys published at `/.well-known/jwks.json`.
    pub keys: Arc<dyn KeySet>,
    /// Says which dependencies are away.
    pub readiness: Arc<dyn Readiness>,
    /// For `/metrics`.
    pub metrics: RenderMetrics,
    /// Who presents it may read `/metrics` from anywhere; without it only this machine may.
    pub metrics_token: Option<SecretString>,
    /// How phones reach the installation.
    pub phones: Phones,
    /// What clients that stay connected are served with; `None` where nobody can.
    pub realtime: Option<Realtime>,
    /// The layers around everything.
    pub edge: Edge,
}

/// The gateway, ready to be served.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Everything: its own operations, those of the services, and the layers.
    pub router: Router,
    /// The whole API.
    pub document: Document,
}

/// Its own routes and document.
pub fn api(deps: &Deps) -> Result<ServiceApi> {
    let about = About {
        keys: Arc::clone(&deps.keys),
        readiness: Arc::clone(&deps.readiness),
        metrics: Arc::clone(&deps.metrics),
        metrics_token: deps.metrics_token.clone(),
    };
    let (phones, realtime, limits) = (deps.phones.clone(), deps.realtime.clone(), deps.limits.clone());
    let shared = http::Shared { phones, realtime, limits, ..about.shared() };
    http::routes().with_state(shared).finish(PERMISSIONS)
}

/// Puts the gateway together; fails when documents and permissions do not agree.
pub fn service(deps: Deps) -> Result<Gateway> {
    let own = api(&deps)?;
    let apis: Vec<&ServiceApi> =
        std::iter::once(&own).chain(deps.services.iter().map(|(api, _)| api)).collect();
    let document = openapi::assemble(&INFO, &apis)?;
    let page = page::render(document.value()).map_err(Error::internal)?;
    let channels: BTreeMap<_, _> =
        deps.services.iter().map(|(api, channel)| (api.service(), channel.clone())).collect();

    let router = own
        .router()
        .fallback(forward::forward)
        .layer(Extension(forward::Channels(Arc::new(channels))))
        .layer(Extension(deps.authenticator.clone()))
        .layer(Extension(views::Time(Arc::clone(&deps.edge.clock))))
        .layer(Extension(http::docs::Docs { document: document.clone(), page: page.into() }));
    let gate = Gate::new(document.operations(), deps.authenticator);
    let gate = match deps.limits {
        Some(limits) => gate.with_limits(limits),
        None => gate,
    };
    let router = gate.wrap(router);
    // The same operations behind the same gate, but streams have no end.
    let streams = grpc::edge(&deps.edge).wrap(grpc::told(router.clone()));
    let router = Router::new()
        .route_service(grpc::PATH, streams.into_service::<axum::body::Body>())
        .fallback_service(deps.edge.wrap(router));
    Ok(Gateway { router, document })
}
