//! Services behind the gateway as a process of their own: reached with a service token only.

use std::sync::Arc;

use ::gateway::NAME as DOOR;
use anyhow::Result;
use axum::Router;
use axum::routing::any_service;
use identity::commands::first_run;
use platform::auth::ServiceVerifier;
use platform::db::{Db, SystemDb};
use platform::http::callers::Callers;
use platform::http::openapi::ServiceApi;
use platform::http::operations::{Authenticator, Gate, Operations};
use platform::lifecycle::Lifecycle;
use platform::telemetry::metrics::Metrics;
use platform::vault::Vault;

use super::{Process, close_at_the_end, members};
use crate::anchors::Anchors;
use crate::background::{self, SystemWork};
use crate::erasures::Journal;
use crate::installation::{IdentityParts, files, mailer};
use crate::{edge, keys, probes};

/// Starts identity; the router, and the link of the first owner while there is none.
pub(super) async fn start(
    process: &Process,
    metrics: &Metrics,
    lifecycle: &Lifecycle,
) -> Result<(Router, Option<String>)> {
    lifecycle.readiness().expect(probes::SIGNING_KEYS);
    let (place, config) = (&process.settings.place, process.settings.config());
    let vault = Vault::with_keys(keys::masters(place, config)?, process.random.clone())?;
    let db = process.db(identity::NAME).with_vault(vault.clone());
    let mailer = mailer(&process.settings, &process.clock, &process.random)?;
    let limiter = Arc::clone(&process.limiter);
    let files = files(&process.settings, &vault, &process.random)?;
    let url = process.public_url.clone();
    let parts = IdentityParts::new(config, db.clone(), vault.clone(), files, mailer, limiter, url);
    background::load_keys(&parts.identity, lifecycle.readiness()).await?;
    // Published only: nobody here calls another service yet, but who runs is seen by all.
    members::join(lifecycle, &db).await?;

    let service = identity::service(&parts.identity)?;
    let internal = identity::internal_api(&parts.identity)?;
    let authenticator = edge::authenticator(&parts, &process.public_url, &process.clock);
    let verifier = ServiceVerifier::new(identity::NAME, db.pool().clone(), Arc::clone(&process.clock));
    let inner = guarded(&authenticator, verifier, &service.api, &internal)?;
    let edge = process.edge(lifecycle, metrics);
    let about = edge.about(Arc::new(parts.published.clone()));
    let router = edge::inner_edge(&edge).wrap(::gateway::probes(&about)?.fallback_service(inner));

    let system = process.system();
    start_background(process, metrics, lifecycle, &parts, &db, system.as_ref()).await?;
    let concurrency = usize::try_from(config.jobs.concurrency).unwrap_or(8);
    process.outside.start(lifecycle, system.as_ref(), &process.random);
    background::start_service(lifecycle, service, &vault, &process.outside, concurrency).await?;
    close_at_the_end(lifecycle, vec![db], system);
    Ok((router, first_run::owner_link(&parts.identity).await?))
}

/// The public operations, which the gateway hands over, and the internal ones, for services in their own name.
fn guarded(
    authenticator: &Authenticator,
    verifier: ServiceVerifier,
    public: &ServiceApi,
    internal: &ServiceApi,
) -> Result<Router> {
    let gate = |api: &ServiceApi| {
        let operations = Arc::new(Operations::build(&[api]).map_err(platform::Error::internal)?);
        anyhow::Ok(Gate::new(operations, authenticator.clone()).with_door(DOOR).wrap(api.router()))
    };
    let router = Router::new()
        .route("/internal/{*rest}", any_service(gate(internal)?))
        .fallback_service(gate(public)?);
    Ok(Callers::new(verifier).wrap(router))
}

async fn start_background(
    process: &Process,
    metrics: &Metrics,
    lifecycle: &Lifecycle,
    parts: &IdentityParts,
    db: &Db,
    system: Option<&SystemDb>,
) -> Result<()> {
    background::start_keys(lifecycle, parts);
    background::start_revocations(lifecycle, &parts.revocations, db);
    let Some(system) = system else {
        tracing::info!(
            "no password for the role system: sequencer, sealing and upkeep run in other processes"
        );
        probes::probe_plain(lifecycle.readiness(), db).await;
        probes::start_plain(lifecycle, vec![db.clone()], metrics.clone());
        return Ok(());
    };
    lifecycle.readiness().expect(probes::SEQUENCER);
    let (place, config) = (&process.settings.place, process.settings.config());
    let audit_key = keys::audit(place, config)?;
    let work = SystemWork {
        system: system.clone(),
        anchors: Anchors::new(
            &process.settings,
            system.clone(),
            audit_key.clone(),
            Arc::clone(&process.clock),
        ),
        journal: Journal::new(place, audit_key.clone(), system.clone()),
        audit_key,
        clock: Arc::clone(&process.clock),
        retention_days: config.bus.retention_days,
    };
    background::start_system(lifecycle, &work);
    probes::probe(lifecycle.readiness(), system).await;
    probes::start(lifecycle, system, &process.clock, vec![db.clone()], metrics.clone());
    Ok(())
}
