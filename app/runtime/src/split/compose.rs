//! The services of one process, put together: each made on its own connection, reached by the others over channels, and
//! all behind one listener.
//!
//! | what arrives | goes to |
//! |---|---|
//! | a request with a service token | the service of this process whose address it is, if the token is for that service |
//! | any other, where the gateway runs here | the gateway |
//! | any other | probes and the public keys; nothing else exists |

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use ::gateway::{NAME as DOOR, Realtime};
use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use identity::commands::first_run;
use platform::auth::{ServiceIdentity, ServiceVerifier};
use platform::db::Db;
use platform::http::callers::{Callers, SERVICE_TOKEN};
use platform::http::channel::{Remote, Target};
use platform::http::openapi::ServiceApi;
use platform::http::operations::{Lookup, Operations};
use platform::http::{Channel, problem};
use platform::lifecycle::Lifecycle;
use platform::service::{Ground, Service};
use platform::telemetry::metrics::Metrics;
use platform::vault::Vault;
use tower::ServiceExt as _;

use super::trust::{self, Trust};
use super::{Process, alone, close_at_the_end, members, work};
use crate::installation::{IdentityParts, Shared, files, mailer};
use crate::rooms::{self, ROOMS};
use crate::{background, documents, edge, keys, probes};

/// The services of this process with what they are known by.
pub(super) struct Parts<'a> {
    pub process: &'a Process,
    pub dbs: BTreeMap<&'static str, Db>,
    members: BTreeMap<&'static str, ServiceIdentity>,
}

impl Parts<'_> {
    /// A way from a service of this process to one in another.
    fn remote(&self, caller: &'static str, other: &'static str) -> Result<Channel> {
        let process = self.process;
        let authority = process.settings.config().services.authority(other);
        let target = Target {
            service: other,
            authority: authority.with_context(|| format!("services.{other}"))?,
            identity: self.members.get(caller).context("a service of this process")?.clone(),
            random: process.random.clone(),
        };
        Ok(Channel::http(Remote::new(target), process.deadline()))
    }
}

/// Starts the services of this process; the router, and the link of the first owner while there is none.
pub(super) async fn start(
    process: &Process,
    metrics: &Metrics,
    lifecycle: &Lifecycle,
) -> Result<(Router, Option<String>)> {
    let vault = vault(process)?;
    let mut parts = Parts { process, dbs: BTreeMap::new(), members: BTreeMap::new() };
    if process.runs(DOOR) {
        alone::hold(lifecycle, process).await?;
    }
    for &service in &process.part {
        let db = process.db(service);
        let db = vault.iter().fold(db, |db, vault| db.with_vault(vault.clone()));
        parts.members.insert(service, members::join(lifecycle, &db).await?);
        parts.dbs.insert(service, db);
    }
    let identity = identity_of(&parts, vault.as_ref())?;
    let trust = if let Some(identity) = &identity {
        trust::load(identity, lifecycle).await?;
        Trust::here(process, identity)
    } else {
        let caller = process.part.first().copied().context("no service")?;
        Trust::elsewhere(process, parts.remote(caller, ::identity::NAME)?, lifecycle)
    };
    let shared =
        Shared::new(&process.outside, &process.clock, &process.settings, process.public_url.clone())?;
    let services = services(&parts, identity.as_ref(), &trust, vault.as_ref(), &shared)?;
    let router = router(&parts, &services, &trust, metrics, lifecycle, &shared)?;
    let system = work::start(&parts, identity.as_ref(), &trust, metrics, lifecycle).await?;
    if let Some(vault) = &vault {
        let concurrency = usize::try_from(process.settings.config().jobs.concurrency).unwrap_or(8);
        for service in services {
            background::start_service(lifecycle, service, vault, &process.outside, concurrency).await?;
        }
    }
    close_at_the_end(lifecycle, parts.dbs.into_values().collect(), system);
    let link = match identity {
        Some(identity) => first_run::owner_link(&identity.identity).await?,
        None => None,
    };
    Ok((router, link))
}

/// The vault, where a service runs that keeps something in it: the gateway alone is given no key.
fn vault(process: &Process) -> Result<Option<Vault>> {
    if process.part.iter().all(|service| *service == DOOR) {
        return Ok(None);
    }
    let (place, config) = (&process.settings.place, process.settings.config());
    Ok(Some(Vault::with_keys(keys::masters(place, config)?, process.random.clone())?))
}

fn identity_of(parts: &Parts<'_>, vault: Option<&Vault>) -> Result<Option<IdentityParts>> {
    let (process, name) = (parts.process, ::identity::NAME);
    let (Some(db), Some(vault)) = (parts.dbs.get(name), vault) else { return Ok(None) };
    let mailer = mailer(&process.settings, &process.clock, &process.random)?;
    let files = files(&process.settings, vault, &process.random)?;
    Ok(Some(IdentityParts::new(
        process.settings.config(),
        db.clone(),
        vault.clone(),
        files,
        mailer,
        Arc::clone(&process.limiter),
        process.public_url.clone(),
    )))
}

/// Identity first, where it is here; the gateway is none of them.
fn services(
    parts: &Parts<'_>,
    identity: Option<&IdentityParts>,
    trust: &Trust,
    vault: Option<&Vault>,
    shared: &Shared,
) -> Result<Vec<Service>> {
    let process = parts.process;
    let identity = identity.map(|parts| ::identity::service(&parts.identity)).transpose()?;
    let ground = |service: &'static str, peers| {
        let vault = vault.context("a service without a vault")?;
        Ok(Ground {
            db: parts.dbs.get(service).context("a service of this process")?.clone(),
            vault: vault.clone(),
            files: files(&process.settings, vault, &process.random)?,
            cache: shared.cache.clone(),
            live: Arc::clone(&shared.live),
            limiter: Arc::clone(&process.limiter),
            peers,
            travel: Arc::clone(&shared.travel),
            map: shared.map.clone(),
            public_url: shared.public_url.clone(),
        })
    };
    let rooms = rooms::furnish(&rooms::Plan {
        part: &process.part,
        deadline: process.deadline(),
        authenticator: &trust.authenticator,
        identity: identity.as_ref(),
        ground: &ground,
        remote: &|caller, other| parts.remote(caller, other),
    })?;
    Ok(identity.into_iter().chain(rooms).collect())
}

/// What this process answers, to whom.
fn router(
    parts: &Parts<'_>,
    services: &[Service],
    trust: &Trust,
    metrics: &Metrics,
    lifecycle: &Lifecycle,
    shared: &Shared,
) -> Result<Router> {
    let process = parts.process;
    let edge = process.edge(lifecycle, metrics);
    let about = edge.about(Arc::clone(&trust.keys));
    let mut inner = BTreeMap::new();
    for service in services {
        inner.insert(service.manifest.name, guarded(parts, service, trust)?);
    }
    let inner = Inner { operations: Arc::new(table(services)?), routers: Arc::new(inner) };
    let inner = Router::new().fallback(move |request: Request<Body>| inner.clone().answer(request));
    if !process.runs(DOOR) {
        return Ok(edge::inner_edge(&edge).wrap(::gateway::probes(&about)?.fallback_service(inner)));
    }
    let mut behind = edge::in_process(&edge, &trust.authenticator, services.iter())?;
    for service in rooms::needs(DOOR).into_iter().filter(|service| !process.runs(service)) {
        let channel = parts.remote(DOOR, service)?;
        behind.push((api_of(process, service)?, channel));
    }
    let (keys, limiter) = (Arc::clone(&trust.keys), Arc::clone(&process.limiter));
    let realtime = realtime(parts, services, trust, lifecycle, shared)?;
    let gateway = edge::gateway(&edge, behind, trust.authenticator.clone(), keys, limiter, realtime)?;
    if services.is_empty() {
        return Ok(gateway.router);
    }
    let inner = edge::inner_edge(&edge).wrap(inner);
    let outer = gateway.router;
    Ok(Router::new().fallback(move |request: Request<Body>| {
        let called = request.headers().contains_key(SERVICE_TOKEN);
        let router = if called { inner.clone() } else { outer.clone() };
        async move { answer(router, request).await }
    }))
}

/// What clients that stay connected are served with.
fn realtime(
    parts: &Parts<'_>,
    services: &[Service],
    trust: &Trust,
    lifecycle: &Lifecycle,
    shared: &Shared,
) -> Result<Realtime> {
    let process = parts.process;
    let plan = rooms::Plan {
        part: &process.part,
        deadline: process.deadline(),
        authenticator: &trust.authenticator,
        identity: None,
        ground: &|service, _| anyhow::bail!("{service} was made before"),
        remote: &|caller, other| parts.remote(caller, other),
    };
    Ok(Realtime {
        hub: background::start_hub(lifecycle, parts.dbs.get(DOOR).context("the gateway's connection")?),
        live: Arc::clone(&shared.live),
        peers: rooms::peers_of_the_door(&plan, services)?,
        clock: Arc::clone(&process.clock),
    })
}

/// The routes and the document of a service that runs elsewhere.
fn api_of(process: &Process, service: &str) -> Result<ServiceApi> {
    match ROOMS.iter().find(|room| room.name == service) {
        Some(room) => room.unconnected(&process.clock, &process.random),
        None => documents::identity_api(&process.clock, &process.random),
    }
}

/// A service with its public operations, which the gateway hands over, and the internal ones, for services in their own
/// name; reached with a token for this service only.
fn guarded(parts: &Parts<'_>, service: &Service, trust: &Trust) -> Result<Router> {
    let name = service.manifest.name;
    let db = parts.dbs.get(name).context("a service of this process")?;
    let verifier = ServiceVerifier::new(name, db.pool().clone(), Arc::clone(&parts.process.clock));
    let gate = |api: &ServiceApi| {
        anyhow::Ok(rooms::gate(api, &trust.authenticator)?.with_door(DOOR).wrap(api.router()))
    };
    let mut router = Router::new().fallback_service(gate(&service.api)?);
    if let Some(internal) = &service.internal {
        router = router.route("/internal/{*rest}", axum::routing::any_service(gate(internal)?));
    }
    Ok(Callers::new(verifier).wrap(router))
}

/// Whose address is whose, over all services of this process.
fn table(services: &[Service]) -> Result<Operations> {
    let apis: Vec<&ServiceApi> =
        services.iter().flat_map(|service| [&service.api].into_iter().chain(&service.internal)).collect();
    Ok(Operations::build(&apis).map_err(platform::Error::internal)?)
}

/// The services of this process as others reach them.
#[derive(Clone)]
struct Inner {
    operations: Arc<Operations>,
    routers: Arc<BTreeMap<&'static str, Router>>,
}

impl Inner {
    async fn answer(self, request: Request<Body>) -> Response {
        let service = match self.operations.find(request.method(), request.uri().path()) {
            Lookup::Found(operation) => Some(operation.service),
            // Any service says best what is wrong with the request, after it has looked at who calls.
            Lookup::OtherMethods(_) | Lookup::Unknown => self.routers.keys().next().copied(),
        };
        match service.and_then(|service| self.routers.get(service)) {
            Some(router) => answer(router.clone(), request).await,
            None => problem::fallback().await.into_response(),
        }
    }
}

async fn answer(router: Router, request: Request<Body>) -> Response {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never as Infallible {},
    }
}

/// Expects what every process needs, before anything is asked.
pub(super) fn expect(lifecycle: &Lifecycle) {
    lifecycle.readiness().expect(probes::DATABASE);
    lifecycle.readiness().expect(probes::MIGRATIONS);
}
