//! Whether the process is alive, whether it may be sent requests, and how it is, for people.

use axum::extract::State;
use futures::future::BoxFuture;
use platform::http::Json;
use platform::{Error, Kind, Result};
use utoipa::ToSchema;

use super::Shared;

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

async fn look(shared: &Shared) -> Health {
    let dependencies = shared.readiness.check().await;
    let away = |required: bool| {
        dependencies.iter().any(|dependency| !dependency.ok && dependency.required == required)
    };
    let status = match (away(true), away(false)) {
        (true, _) => "unavailable",
        (false, true) => "degraded",
        (false, false) => "ok",
    };
    Health { status, version: env!("CARGO_PKG_VERSION"), dependencies }
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
    let health = look(&shared).await;
    if health.status != "unavailable" {
        return Ok(Json(health));
    }
    let error = Error::new(Kind::Unavailable, "not_ready", "Something that is needed is away.");
    Err(error
        .with_retry_after(std::time::Duration::from_secs(5))
        .with_extension("dependencies", serde_json::to_value(health.dependencies)?))
}

/// How the installation is, for people.
#[utoipa::path(
    get, path = "/api/v1/health", operation_id = "get_health", tag = "installation",
    responses((status = 200, description = "What is there and what is away.", body = Health))
)]
pub(crate) async fn health(State(shared): State<Shared>) -> Json<Health> {
    Json(look(&shared).await)
}
