//! The gateway as a process of its own.

use std::sync::Arc;
use std::time::Duration;

use ::gateway::identity::{RemoteExchange, RemoteKeys};
use anyhow::{Context, Result};
use axum::Router;
use platform::auth::{Revocations, Verifier};
use platform::http::Channel;
use platform::http::channel::{Remote, Target};
use platform::http::operations::Authenticator;
use platform::lifecycle::{Lifecycle, Readiness, Stage, TaskKind, Waited, wait};
use platform::telemetry::metrics::Metrics;

use super::{Process, alone, close_at_the_end, members};
use crate::{background, documents, edge, probes};

/// The services that it calls.
pub(super) const NEEDS: [&str; 1] = [identity::NAME];

/// How often identity is asked for its keys, which also tells whether it is there, and how soon again when it is not.
const REFRESH: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(250);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts it.
pub(super) async fn start(process: &Process, metrics: &Metrics, lifecycle: &Lifecycle) -> Result<Router> {
    lifecycle.readiness().expect(probes::IDENTITY);
    let db = process.db(::gateway::NAME);
    alone::hold(lifecycle, process).await?;
    let member = members::join(lifecycle, &db).await?;
    let parts = process.edge(lifecycle, metrics);
    let authority = process.settings.config().services.authority(identity::NAME);
    let remote = Remote::new(Target {
        service: identity::NAME,
        authority: authority.context("services.identity")?,
        identity: member,
        random: process.random.clone(),
    });
    let channel = Channel::http(remote, parts.deadline());
    let keys = RemoteKeys::new(channel.clone());
    let revocations = Revocations::default();
    let verifier = Verifier::new(
        process.public_url.clone(),
        Arc::new(keys.clone()),
        Arc::clone(&process.clock),
        revocations.clone(),
    );
    let exchange = RemoteExchange::new(channel.clone(), Arc::clone(&process.clock));
    let authenticator = Authenticator::new(verifier, Arc::new(exchange));
    let api = documents::identity_api(&process.clock, &process.random)?;
    let limiter = Arc::clone(&process.limiter);
    let gateway =
        edge::gateway(&parts, vec![(api, channel)], authenticator, Arc::new(keys.clone()), limiter)?;

    process.outside.start(lifecycle, None, &process.random);
    follow_identity(lifecycle, keys);
    background::start_revocations(lifecycle, &revocations, &db);
    probes::probe_plain(lifecycle.readiness(), &db).await;
    probes::start_plain(lifecycle, vec![db.clone()], metrics.clone());
    close_at_the_end(lifecycle, vec![db], None);
    Ok(gateway.router)
}

/// Keeps the key set fresh, which is also how the gateway knows whether identity is there.
fn follow_identity(lifecycle: &Lifecycle, keys: RemoteKeys) {
    let readiness = lifecycle.readiness().clone();
    lifecycle.spawn(Stage::Http, "keys of identity", TaskKind::Restart, move |stop| {
        let (keys, readiness) = (keys.clone(), readiness.clone());
        async move {
            loop {
                let pause = look(&keys, &readiness).await;
                if wait(pause, &stop).await == Waited::Cancelled {
                    return Ok::<_, platform::Error>(());
                }
            }
        }
    });
}

async fn look(keys: &RemoteKeys, readiness: &Readiness) -> Duration {
    match tokio::time::timeout(PATIENCE, keys.refresh()).await {
        Ok(Ok(())) => {
            readiness.up(probes::IDENTITY);
            return REFRESH;
        }
        Ok(Err(error)) => readiness.down(probes::IDENTITY, error.chain()),
        Err(_elapsed) => readiness.down(probes::IDENTITY, "it does not answer in time"),
    }
    AGAIN
}
