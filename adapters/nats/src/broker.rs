//! The connection: made and examined in the background, so that a broker that is away stops nobody.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream;
use futures::StreamExt as _;
use platform::bus::RelayLog;
use platform::db::{SystemDb, Wake};
use platform::lifecycle::{Waited, wait};
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::error::{Error, Result};
use crate::relay::Relay;
use crate::requirements::{check_disk, check_server, check_stranger};
use crate::source::JetStream;

/// How often the connection is looked at, and how long after a refusal the server is asked again.
const LOOK: Duration = Duration::from_secs(1);
/// How long a publication or a request to the stream may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the server may be silent before the connection counts as dead. A way that swallows everything tells nobody;
/// the client's own pings would notice after a quarter of a minute.
const SILENCE: Duration = Duration::from_secs(3);
/// Most publications that wait for their confirmation.
const IN_FLIGHT: usize = 2048;

/// What the installation says about its broker.
#[derive(Debug, Clone)]
pub struct Options {
    /// `nats://user:password@host:4222`; several separated by commas.
    pub url: SecretString,
    /// `http://host:8222`: where the server tells how it treats its disk.
    pub monitoring: Option<String>,
    /// Name of the stream and first token of all subjects.
    pub stream: String,
    /// Copies in a cluster.
    pub replicas: usize,
}

/// A broker. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    address: Address,
    wake: Wake,
    link: RwLock<Option<Link>>,
}

/// An examined connection.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub client: async_nats::Client,
    pub jetstream: jetstream::Context,
    /// Changes when the connection is lost: what was under way then has no answer.
    pub lost: watch::Receiver<u64>,
}

impl Broker {
    /// Connects and examines the server. Refuses one that is set wrongly; one that is away is looked for by
    /// [`Broker::watch`].
    pub async fn open(options: Options, wake: Wake) -> Result<Self> {
        let address = Address::parse(&options.url)?;
        let broker = Self { inner: Arc::new(Inner { options, address, wake, link: RwLock::default() }) };
        match broker.connect().await {
            Ok(()) => Ok(broker),
            Err(Error::Away(reason)) => {
                tracing::warn!(reason, "the broker is away; consumers read the log");
                Ok(broker)
            }
            Err(error) => Err(error),
        }
    }

    /// The transport for consumers.
    pub fn source(&self) -> JetStream {
        JetStream::new(self.clone())
    }

    /// What publishes the log.
    pub fn relay(&self, system: SystemDb, random: &kernel::random::Random) -> Relay {
        Relay::new(self.clone(), RelayLog::new(system), random)
    }

    /// Keeps the connection, rings the bell of this process when the relay has published, and reports what it sees
    /// (`Err`: why the broker cannot be used).
    pub async fn watch(&self, stop: CancellationToken, report: impl Fn(Result<(), String>) + Send + Sync) {
        loop {
            if self.link().is_none()
                && let Err(error) = self.connect().await
            {
                report(Err(error.to_string()));
                if wait(LOOK, &stop).await == Waited::Cancelled {
                    return;
                }
                continue;
            }
            let Some(link) = self.link() else { continue };
            if self.follow(&link, &stop, &report).await == Waited::Cancelled {
                return;
            }
        }
    }

    /// Until told to stop, or until the connection has to be made anew.
    async fn follow(
        &self,
        link: &Link,
        stop: &CancellationToken,
        report: &(impl Fn(Result<(), String>) + Send + Sync),
    ) -> Waited {
        let mut news = match link.client.subscribe(self.news()).await {
            Ok(news) => news.fuse(),
            Err(error) => {
                report(Err(error.to_string()));
                return wait(LOOK, stop).await;
            }
        };
        loop {
            report(state(link).await);
            tokio::select! {
                biased;
                waited = wait(LOOK, stop) => if waited == Waited::Cancelled { return waited },
                message = news.next() => {
                    if message.is_none() {
                        self.forget();
                        return Waited::Elapsed;
                    }
                    self.inner.wake.ring_log();
                }
            }
        }
    }

    async fn connect(&self) -> Result<()> {
        check_stranger(&self.inner.address).await?;
        let losses = watch::Sender::new(0);
        let lost = losses.subscribe();
        let client = self.inner.address.connect(losses).await.map_err(|error| match error.kind() {
            async_nats::ConnectErrorKind::AuthorizationViolation
            | async_nats::ConnectErrorKind::Authentication => {
                Error::refused("the NATS server refuses the login of bus.nats_url (NATS_URL)")
            }
            _ => Error::away(error),
        })?;
        check_server(&client)?;
        if let Some(url) = &self.inner.options.monitoring {
            check_disk(url).await?;
        } else {
            tracing::info!(
                "whether the broker syncs its disk before it confirms cannot be learned: set bus.nats_monitoring_url"
            );
        }
        let jetstream = jetstream::context::ContextBuilder::new()
            .timeout(PATIENCE)
            .ack_timeout(PATIENCE)
            .max_ack_inflight(IN_FLIGHT)
            .build(client.clone());
        let link = Link { client, jetstream, lost };
        *self.inner.link.write().unwrap_or_else(PoisonError::into_inner) = Some(link);
        Ok(())
    }

    fn forget(&self) {
        *self.inner.link.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn link(&self) -> Option<Link> {
        self.inner.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connection, if it can be used now.
    pub(crate) fn connected(&self) -> Result<Link> {
        let mut link = self.link().ok_or_else(|| Error::away("not connected yet"))?;
        // Losses of before are no concern of who begins now.
        link.lost.mark_unchanged();
        if connected(&link.client) { Ok(link) } else { Err(Error::away("not connected")) }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn wake(&self) -> &Wake {
        &self.inner.wake
    }

    /// Where the relay rings.
    pub(crate) fn news(&self) -> String {
        format!("{}.news", self.inner.options.stream)
    }
}

/// Asks for an answer over the connection; without one it is made anew.
async fn state(link: &Link) -> Result<(), String> {
    if !connected(&link.client) {
        return Err("not connected".to_owned());
    }
    match tokio::time::timeout(SILENCE, link.jetstream.query_account()).await {
        // Also a refusal is an answer.
        Ok(_answer) => Ok(()),
        Err(_silence) => {
            link.client.force_reconnect().await.ok();
            Err(format!("it has not answered for {SILENCE:?}"))
        }
    }
}

fn connected(client: &async_nats::Client) -> bool {
    client.connection_state() == State::Connected
}
