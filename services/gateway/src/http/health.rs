//! Whether the process is alive, whether it may be sent requests, and how it is, for people.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use futures::future::BoxFuture;
use futures::join;
use http::Request;
use platform::http::{Deadline, Json};
use platform::{Error, Kind, Result};
use utoipa::ToSchema;

use super::Shared;
use crate::forward::Channels;

/// Knows whether what is needed is there.
pub trait Readiness: Send + Sync {
    /// Every dependency; required ones that are away make the process not ready.
    fn check(&self) -> BoxFuture<'_, Vec<Dependency>>;
}

/// Something that is needed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, ToSchema)]
#[schema(example = json!({"name": "database", "ok": true, "required": true}))]
pub struct Dependency {
    /// What it is.
    pub name: String,
    /// Whether it answers.
    pub ok: bool,
    /// Whether requests can be served without it.
    pub required: bool,
}

/// How the installation is.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({
    "status": "ok", "version": "0.1.0", "dependencies": [{"name": "database", "ok": true, "required": true}]
}))]
pub(crate) struct Health {
    /// `ok`, `degraded` (something optional is away) or `unavailable`.
    #[schema(pattern = "^(ok|degraded|unavailable)$")]
    status: &'static str,
    /// The version of the product.
    version: &'static str,
    /// What is needed.
    dependencies: Vec<Dependency>,
}

impl Health {
    fn of(dependencies: Vec<Dependency>) -> Self {
        let away = |required: bool| {
            dependencies.iter().any(|dependency| !dependency.ok && dependency.required == required)
        };
        let status = match (away(true), away(false)) {
            (true, _) => "unavailable",
            (false, true) => "degraded",
            (false, false) => "ok",
        };
        Self { status, version: env!("CARGO_PKG_VERSION"), dependencies }
    }
}

/// Whether the process is alive.
#[utoipa::path(
    get, path = "/healthz", operation_id = "get_liveness", tag = "installation",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain")),
    extensions(("x-probe" = json!(true)))
)]
pub(crate) fn liveness() -> std::future::Ready<&'static str> {
    std::future::ready("ok")
}

/// Whether the process may be sent requests.
///
/// 503 while something required is away; `dependencies` says what.
#[utoipa::path(
    get, path = "/readyz", operation_id = "get_readiness", tag = "installation",
    responses((status = 200, description = "It may.", body = Health)),
    extensions(("x-probe" = json!(true)))
)]
pub(crate) async fn readiness(State(shared): State<Shared>) -> Result<Json<Health>> {
    let health = Health::of(shared.readiness.check().await);
    if health.status != "unavailable" {
        return Ok(Json(health));
    }
    let error = Error::new(Kind::Unavailable, "not_ready", "Something that is needed is away.");
    Err(error
        .with_retry_after(Duration::from_secs(5))
        .with_extension("dependencies", serde_json::to_value(health.dependencies)?))
}

/// How long a service may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// Every service behind the gateway, whether it is in this process or in another. Any answer says that it is there.
async fn services(channels: &Channels) -> Vec<Dependency> {
    let asked = channels.0.iter().map(|(name, channel)| async move {
        let request = Request::get("/healthz").extension(Deadline::after(PATIENCE)).body(Body::empty());
        let ok = match request {
            Ok(request) => channel.call(request).await.is_ok(),
            Err(_never) => false,
        };
        Dependency { name: (*name).to_owned(), ok, required: false }
    });
    futures::future::join_all(asked).await
}

/// How the installation is, for people: what this process needs, and every service behind it.
#[utoipa::path(
    get, path = "/api/v1/health", operation_id = "get_health", tag = "installation",
    responses((status = 200, description = "What is there and what is away.", body = Health))
)]
pub(crate) async fn health(
    State(shared): State<Shared>,
    Extension(channels): Extension<Channels>,
) -> Json<Health> {
    let (mut dependencies, services) = join!(shared.readiness.check(), services(&channels));
    // What this process cannot do without is looked at all the time already.
    dependencies.extend(
        services
            .into_iter()
            .filter(|service| !dependencies.iter().any(|known| known.name == service.name))
            .collect::<Vec<_>>(),
    );
    Json(Health::of(dependencies))
}
