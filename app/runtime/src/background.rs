//! What runs beside the requests: sequencer, consumers, jobs, sealing, keys, upkeep.
//!
//! Each belongs to the stage in which the next ones no longer need it (design section 6, "Stop in order").

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use gateway::realtime::feed::LogFeed;
use gateway::realtime::hub::Hub;
use kernel::time::{SharedClock, SignedDuration, Timestamp};
use platform::audit::{self, AuditKey};
use platform::auth::Revocations;
use platform::bus::{self, Runner, Sequencer};
use platform::db::{Db, SystemDb};
use platform::jobs::{self, Worker};
use platform::lifecycle::{Lifecycle, Readiness, Stage, TaskKind, Waited, wait};
use platform::service::Service;
use platform::vault::{self, Vault};
use platform::{Error, idempotency};

use crate::anchors::Anchors;
use crate::erasures::Journal;
use crate::installation::{IdentityParts, Installation};
use crate::outside::Outside;
use crate::probes;

/// How often signing keys are read again, so that a rotation reaches every process long before it matters.
const KEYS: Duration = Duration::from_secs(30);
/// How soon a revoked session is refused by every process.
const REVOCATIONS: Duration = Duration::from_secs(1);
/// How often committed audit entries are sealed, and how many at once.
const SEAL: Duration = Duration::from_secs(1);
const SEAL_BATCH: i64 = 500;
/// How often erasures are copied to the journal.
const ERASURES: Duration = Duration::from_secs(1);
/// How long single steps may take. A connection whose other end is gone would otherwise hold them for ever.
const STEP: Duration = Duration::from_secs(10);
const ROUND: Duration = Duration::from_mins(10);
/// How often the upkeep looks at the clock, and how much business time lies between two rounds.
const UPKEEP_LOOK: Duration = Duration::from_secs(30);
const UPKEEP: SignedDuration = SignedDuration::from_hours(1);

/// What the work across organisations needs.
#[derive(Clone)]
pub(crate) struct SystemWork {
    pub system: SystemDb,
    pub audit_key: AuditKey,
    pub anchors: Anchors,
    pub journal: Journal,
    pub clock: SharedClock,
    pub retention_days: u32,
}

impl SystemWork {
    pub fn of(installation: &Installation) -> Self {
        Self {
            system: installation.system.clone(),
            audit_key: installation.audit_key.clone(),
            anchors: Anchors::of(installation),
            journal: Journal::of(installation),
            clock: installation.clock.clone(),
            retention_days: installation.settings.config().bus.retention_days,
        }
    }
}

/// Starts the work across organisations: sequencer, audit sealer, upkeep. Any number of processes may run it.
pub(crate) fn start_system(lifecycle: &Lifecycle, work: &SystemWork) {
    let system = work.system.clone();
    lifecycle.spawn(Stage::Sequencer, "sequencer", TaskKind::Restart, move |stop| {
        let sequencer = Sequencer::new(system.clone());
        unfailing(sequencer.run(stop))
    });
    let system = work.system.clone();
    lifecycle.spawn(Stage::Workers, "log listener", TaskKind::Restart, move |stop| {
        let system = system.clone();
        unfailing(bus::listen(system, stop))
    });
    let (system, key, anchors) = (work.system.clone(), work.audit_key.clone(), work.anchors.clone());
    lifecycle.spawn(Stage::Sequencer, "audit sealer", TaskKind::Restart, move |stop| {
        let (system, key, anchors) = (system.clone(), key.clone(), anchors.clone());
        async move {
            loop {
                let last = wait(SEAL, &stop).await == Waited::Cancelled;
                seal_all(&system, &key).await?;
                if last {
                    anchors.note().await;
                    return Ok::<_, Error>(());
                }
            }
        }
    });
    start_erasures(lifecycle, &work.journal);
    let upkeep = Upkeep {
        system: work.system.clone(),
        clock: work.clock.clone(),
        anchors: work.anchors.clone(),
        retention_days: i32::try_from(work.retention_days).unwrap_or(i32::MAX),
    };
    lifecycle.spawn(Stage::Workers, "upkeep", TaskKind::Restart, move |stop| {
        let upkeep = upkeep.clone();
        async move {
            let mut last: Option<Timestamp> = None;
            loop {
                let now = upkeep.clock.now();
                if last.is_none_or(|last| now.duration_since(last).abs() >= UPKEEP) {
                    within(ROUND, upkeep.round(now)).await?;
                    last = Some(now);
                }
                if wait(UPKEEP_LOOK, &stop).await == Waited::Cancelled {
                    return Ok::<_, Error>(());
                }
            }
        }
    });
}

/// Starts reading the log for clients that stay connected. They are told to come back later when the process stops.
pub(crate) fn start_hub(lifecycle: &Lifecycle, db: &Db) -> Hub {
    let hub = Hub::new(Arc::new(LogFeed::new(db.clone())), lifecycle.token(Stage::Accept));
    let reader = hub.clone();
    lifecycle.spawn(Stage::Http, "realtime hub", TaskKind::Restart, move |stop| {
        let reader = reader.clone();
        unfailing(reader.run(stop))
    });
    hub
}

/// Copies erasures to the journal outside the database.
fn start_erasures(lifecycle: &Lifecycle, journal: &Journal) {
    let journal = journal.clone();
    lifecycle.spawn(Stage::Sequencer, "journal of erasures", TaskKind::Restart, move |stop| {
        let journal = journal.clone();
        async move {
            loop {
                let last = wait(ERASURES, &stop).await == Waited::Cancelled;
                tokio::time::timeout(STEP, journal.catch_up()).await??;
                if last {
                    return Ok::<_, anyhow::Error>(());
                }
            }
        }
    });
}

/// Seals anew what an older key of a person has sealed.
async fn start_resealing(lifecycle: &Lifecycle, service: &Service, vault: &Vault) -> Result<()> {
    let (columns, Some(db)) = (service.manifest.sealed, &service.db) else { return Ok(()) };
    if columns.is_empty() {
        return Ok(());
    }
    vault::register(db).await?;
    let (db, vault) = (db.clone(), vault.clone());
    lifecycle.spawn(Stage::Workers, "sealing anew", TaskKind::Restart, move |stop| {
        let (db, vault) = (db.clone(), vault.clone());
        async move {
            while wait(UPKEEP_LOOK, &stop).await == Waited::Elapsed {
                while vault::reseal(&db, &vault, columns).await? > 0 {}
            }
            Ok::<_, Error>(())
        }
    });
    Ok(())
}

/// Declares and starts the consumers and jobs of a service.
pub(crate) async fn start_service(
    lifecycle: &Lifecycle,
    service: Service,
    vault: &Vault,
    outside: &Outside,
    concurrency: usize,
) -> Result<()> {
    start_resealing(lifecycle, &service, vault).await?;
    let source = outside.source();
    let Some(db) = service.db else { return Ok(()) };
    for consumer in service.consumers {
        let runner = Runner::over(Arc::clone(&source), db.clone(), consumer);
        runner.declare().await?;
        for part in 0..runner.consumer().parts() {
            let (name, runner) = (runner.consumer().name(), runner.clone());
            lifecycle.spawn(Stage::Workers, name, TaskKind::Restart, move |stop| {
                let runner = runner.clone();
                unfailing(runner.run(part, stop))
            });
        }
    }
    let worker = Worker::new(db, service.jobs, service.schedules, concurrency);
    worker.declare().await?;
    lifecycle.spawn(Stage::Workers, "jobs", TaskKind::Restart, move |stop| {
        let worker = worker.clone();
        unfailing(worker.run(stop))
    });
    Ok(())
}

pub(crate) fn start_keys(lifecycle: &Lifecycle, parts: &IdentityParts) {
    let (identity, readiness) = (parts.identity.clone(), lifecycle.readiness().clone());
    lifecycle.spawn(Stage::Workers, "signing keys", TaskKind::Restart, move |stop| {
        let (identity, readiness) = (identity.clone(), readiness.clone());
        async move {
            while wait(KEYS, &stop).await == Waited::Elapsed {
                load_keys(&identity, &readiness).await.ok();
            }
            Ok::<_, Error>(())
        }
    });
}

/// Reads the signing keys. Keys that were read before go on being used when the database is away.
pub(crate) async fn load_keys(identity: &identity::Identity, readiness: &Readiness) -> platform::Result<()> {
    match within(STEP, identity::keys::load(identity)).await {
        Ok(()) => {
            readiness.up(probes::SIGNING_KEYS);
            Ok(())
        }
        Err(error) => {
            tracing::warn!(error = %error.chain(), "the signing keys could not be read");
            Err(error)
        }
    }
}

pub(crate) fn start_revocations(lifecycle: &Lifecycle, revocations: &Revocations, db: &Db) {
    let (revocations, db, clock) = (revocations.clone(), db.clone(), Arc::clone(db.clock()));
    lifecycle.spawn(Stage::Workers, "revocations", TaskKind::Restart, move |stop| {
        let (revocations, db, clock) = (revocations.clone(), db.clone(), clock.clone());
        async move {
            while wait(REVOCATIONS, &stop).await == Waited::Elapsed {
                let read = within(STEP / 4, revocations.refresh(db.pool(), clock.now()));
                if let Err(error) = read.await {
                    tracing::debug!(error = %error.chain(), "revoked sessions could not be read");
                }
            }
            Ok::<_, Error>(())
        }
    });
}

/// Seals until nothing is left, so that the last entries of a stopping process are sealed too.
async fn seal_all(system: &SystemDb, key: &AuditKey) -> platform::Result<()> {
    while within(STEP, audit::seal(system, key, SEAL_BATCH)).await? > 0 {}
    Ok(())
}

#[derive(Clone)]
struct Upkeep {
    system: SystemDb,
    clock: SharedClock,
    anchors: Anchors,
    retention_days: i32,
}

impl Upkeep {
    async fn round(&self, now: Timestamp) -> platform::Result<()> {
        self.anchors.note_daily().await;
        let log = bus::maintain(&self.system, self.retention_days).await?;
        let answers = idempotency::purge(&self.system, now).await?;
        let jobs = jobs::purge(&self.system, now).await?;
        let revocations = Revocations::purge(&self.system, now).await?;
        tracing::info!(
            partitions_made = log.made,
            partitions_dropped = log.dropped,
            inbox = log.inbox,
            answers,
            jobs,
            revocations,
            "looked after old rows"
        );
        Ok(())
    }
}

/// 503 when it takes longer.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = platform::Result<T>>,
) -> platform::Result<T> {
    let late = |elapsed| Error::unavailable("database").with_source(elapsed);
    tokio::time::timeout(limit, work).await.map_err(late)?
}

/// Tasks return a result; these never fail.
async fn unfailing(work: impl Future<Output = ()>) -> Result<(), Infallible> {
    work.await;
    Ok(())
}
