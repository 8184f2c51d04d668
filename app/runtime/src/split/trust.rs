//! How a process finds out who calls: from identity itself where it runs here, else by asking it.

use std::sync::Arc;
use std::time::Duration;

use ::gateway::identity::{RemoteExchange, RemoteKeys};
use anyhow::Result;
use identity::CachedExchange;
use platform::auth::{KeySet, Revocations, Verifier};
use platform::http::Channel;
use platform::http::operations::Authenticator;
use platform::lifecycle::{Lifecycle, Readiness, Stage, TaskKind, Waited, wait};

use super::Process;
use crate::installation::IdentityParts;
use crate::probes;

/// How often identity is asked for its keys, which also tells whether it is there, and how soon again when it is not.
const REFRESH: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(250);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a process knows of credentials.
pub(super) struct Trust {
    pub authenticator: Authenticator,
    pub keys: Arc<dyn KeySet>,
    pub revocations: Revocations,
}

impl Trust {
    /// Identity runs here.
    pub fn here(process: &Process, parts: &IdentityParts) -> Self {
        let keys = Arc::new(parts.published.clone());
        let exchange = Arc::new(CachedExchange::new(parts.identity.clone()));
        Self::new(process, keys, exchange, parts.revocations.clone())
    }

    /// Identity runs elsewhere, at the other end of this channel. Its key set is kept fresh, which is also how this process
    /// knows whether it is there; what was known before goes on being used when it is not.
    pub fn elsewhere(process: &Process, channel: Channel, lifecycle: &Lifecycle) -> Self {
        lifecycle.readiness().expect(probes::IDENTITY);
        let keys = RemoteKeys::new(channel.clone());
        let exchange = Arc::new(RemoteExchange::new(channel, Arc::clone(&process.clock)));
        follow(lifecycle, keys.clone());
        Self::new(process, Arc::new(keys), exchange, Revocations::default())
    }

    fn new(
        process: &Process,
        keys: Arc<dyn KeySet>,
        exchange: Arc<dyn platform::http::operations::KeyExchange>,
        revocations: Revocations,
    ) -> Self {
        let clock = Arc::clone(&process.clock);
        let verifier =
            Verifier::new(process.public_url.clone(), Arc::clone(&keys), clock, revocations.clone());
        Self { authenticator: Authenticator::new(verifier, exchange), keys, revocations }
    }
}

fn follow(lifecycle: &Lifecycle, keys: RemoteKeys) {
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

/// Reads the signing keys where identity runs, before anybody is answered.
pub(super) async fn load(parts: &IdentityParts, lifecycle: &Lifecycle) -> Result<()> {
    lifecycle.readiness().expect(probes::SIGNING_KEYS);
    Ok(crate::background::load_keys(&parts.identity, lifecycle.readiness()).await?)
}
