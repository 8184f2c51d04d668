//! What may stand beside the database: a broker for events. Not set, PostgreSQL carries them.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Result, bail};
use kernel::random::Random;
use nats::{Broker, Options, Rebuilt};
use platform::bus::{Log, Source};
use platform::config::Config;
use platform::db::{SystemDb, Wake};
use platform::lifecycle::{Lifecycle, Stage, TaskKind};

use crate::installation::Installation;
use crate::settings::Settings;
use crate::usage::usage;

/// Events wait in the log, or are read there, while it is away: requests are served all the same.
const BROKER: &str = "broker";

/// The parts that were chosen.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    broker: Option<Broker>,
}

impl Outside {
    /// Connects to what the settings name. Refuses what is set in a way that would lose something.
    pub async fn open(settings: &Settings, wake: &Wake) -> Result<Self> {
        Ok(Self { broker: broker(settings.config(), wake).await? })
    }

    /// Where consumers get their events from.
    pub fn source(&self) -> Arc<dyn Source> {
        match &self.broker {
            Some(broker) => Arc::new(broker.source()),
            None => Arc::new(Log),
        }
    }

    /// Starts what looks after them: the connection, and a relay in every process that has the system's connection.
    pub fn start(&self, lifecycle: &Lifecycle, system: Option<&SystemDb>, random: &Random) {
        let Some(broker) = &self.broker else { return };
        let readiness = lifecycle.readiness().clone();
        readiness.expect_optional(BROKER);
        let watched = broker.clone();
        lifecycle.spawn(Stage::Sequencer, "broker", TaskKind::Restart, move |stop| {
            let (broker, readiness) = (watched.clone(), readiness.clone());
            async move {
                let report = |state: Result<(), String>| match state {
                    Ok(()) => readiness.up(BROKER),
                    Err(reason) => readiness.down(BROKER, reason),
                };
                broker.watch(stop, report).await;
                Ok::<_, Infallible>(())
            }
        });
        let Some(system) = system else { return };
        let (broker, system, random) = (broker.clone(), system.clone(), random.clone());
        lifecycle.spawn(Stage::Sequencer, "relay", TaskKind::Restart, move |stop| {
            let relay = broker.relay(system.clone(), &random);
            async move {
                relay.run(stop).await;
                Ok::<_, Infallible>(())
            }
        });
    }
}

async fn broker(config: &Config, wake: &Wake) -> Result<Option<Broker>> {
    let bus = &config.bus;
    let Some(url) = &bus.nats_url else { return Ok(None) };
    let options = Options {
        url: url.inner().clone(),
        monitoring: bus.nats_monitoring_url.clone(),
        stream: bus.nats_stream.clone(),
        replicas: usize::try_from(bus.nats_replicas).unwrap_or(1),
    };
    Ok(Some(Broker::open(options, wake.clone()).await?))
}

/// Refuses a command about a broker where none is set.
pub fn check_broker(settings: &Settings) -> Result<()> {
    if settings.config().bus.nats_url.is_some() {
        return Ok(());
    }
    Err(usage("there is no broker to rebuild: events travel in PostgreSQL (NATS_URL is not set)."))
}

/// Makes the broker's stream anew from the log, for `dropmate bus rebuild`. Processes that run notice it.
pub async fn rebuild(installation: &Installation) -> Result<Rebuilt> {
    check_broker(&installation.settings)?;
    let Some(broker) = broker(installation.settings.config(), &installation.wake).await? else {
        bail!("there is no broker");
    };
    Ok(broker.relay(installation.system.clone(), &installation.random).rebuild().await?)
}
