//! What may stand beside the database: a broker for events, a server for what processes share and may lose. Not set,
//! PostgreSQL carries the events, and the memory of the process holds the rest.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Result, bail};
use kernel::random::Random;
use kernel::time::SharedClock;
use nats::{Broker, Options, Rebuilt};
use platform::bus::{Log, Source};
use platform::cache::{Cache, MemoryCache};
use platform::config::Config;
use platform::db::{SystemDb, Wake};
use platform::files::{FileStore, Folder};
use platform::http::rate_limit::{MemoryLimiter, RateLimiter};
use platform::lifecycle::{Lifecycle, Stage, TaskKind};
use platform::live::{Live, MemoryLive};
use redis_adapter::{Redis, RedisCache, RedisLimiter, RedisLive};
use s3::Bucket;

use crate::installation::Installation;
use crate::settings::Settings;
use crate::usage::usage;

/// Events wait in the log, or are read there, while it is away: requests are served all the same.
const BROKER: &str = "broker";
/// The memory of the process stands in for it.
const CACHE: &str = "cache";
/// Bytes that the cache of one process holds.
const CACHE_BYTES: u64 = 16 << 20;

/// The parts that were chosen.
#[derive(Debug, Default)]
pub struct Outside {
    broker: Option<Broker>,
    redis: Option<Redis>,
}

impl Outside {
    /// Connects to what the settings name. Refuses what is set in a way that would lose something.
    pub async fn open(settings: &Settings, wake: &Wake) -> Result<Self> {
        let redis = match &settings.config().redis.url {
            Some(url) => Some(Redis::open(url.inner()).await?),
            None => None,
        };
        Ok(Self { broker: broker(settings.config(), wake).await?, redis })
    }

    /// Where consumers get their events from.
    pub fn source(&self) -> Arc<dyn Source> {
        match &self.broker {
            Some(broker) => Arc::new(broker.source()),
            None => Arc::new(Log),
        }
    }

    /// Counts requests.
    pub fn limiter(&self, clock: &SharedClock) -> Arc<dyn RateLimiter> {
        match &self.redis {
            Some(redis) => Arc::new(RedisLimiter::new(redis, Arc::clone(clock))),
            None => Arc::new(MemoryLimiter::new(Arc::clone(clock))),
        }
    }

    /// Keeps what may be made again.
    pub fn cache(&self, clock: &SharedClock) -> Arc<dyn Cache> {
        match &self.redis {
            Some(redis) => Arc::new(RedisCache::new(redis, Arc::clone(clock), CACHE_BYTES)),
            None => Arc::new(MemoryCache::new(Arc::clone(clock), CACHE_BYTES)),
        }
    }

    /// Positions and presence.
    pub fn live(&self, clock: &SharedClock) -> Arc<dyn Live> {
        match &self.redis {
            Some(redis) => Arc::new(RedisLive::new(redis, Arc::clone(clock))),
            None => Arc::new(MemoryLive::new(Arc::clone(clock))),
        }
    }

    /// Starts what looks after them: the connection, and a relay in every process that has the system's connection.
    pub fn start(&self, lifecycle: &Lifecycle, system: Option<&SystemDb>, random: &Random) {
        if let Some(redis) = &self.redis {
            start_cache(lifecycle, redis.clone());
        }
        if let Some(broker) = &self.broker {
            start_broker(lifecycle, broker, system, random);
        }
    }
}

fn start_cache(lifecycle: &Lifecycle, redis: Redis) {
    let readiness = lifecycle.readiness().clone();
    readiness.expect_optional(CACHE);
    lifecycle.spawn(Stage::Pools, "cache", TaskKind::Restart, move |stop| {
        let (redis, readiness) = (redis.clone(), readiness.clone());
        async move {
            let report = |state: Result<(), String>| match state {
                Ok(()) => readiness.up(CACHE),
                Err(reason) => readiness.down(CACHE, reason),
            };
            redis.watch(stop, report).await;
            Ok::<_, Infallible>(())
        }
    });
}

fn start_broker(lifecycle: &Lifecycle, broker: &Broker, system: Option<&SystemDb>, random: &Random) {
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

/// Where files are kept: the bucket that is set, else a folder below the data folder.
pub fn file_store(settings: &Settings, random: &Random) -> Result<Arc<dyn FileStore>> {
    let storage = &settings.config().storage;
    match (&storage.s3_url, &storage.bucket) {
        (Some(url), Some(bucket)) => Ok(Arc::new(Bucket::open(url.inner(), bucket)?)),
        _ => Ok(Arc::new(Folder::new(settings.place.files(), random.clone()))),
    }
}

pub(crate) async fn broker(config: &Config, wake: &Wake) -> Result<Option<Broker>> {
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
