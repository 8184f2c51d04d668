//! Whether what is needed is there: asked every second, shown on `/readyz`, and the gauges of `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use kernel::time::SharedClock;
use platform::Result;
use platform::db::{Db, SystemDb};
use platform::lifecycle::{Lifecycle, Readiness, Stage, TaskKind, Waited, wait};
use platform::telemetry::metrics::{
    AUDIT_UNSEALED_AGE, BUS_CONSUMER_LAG, BUS_DEAD_LETTERS, BUS_LOG_OFFSET, BUS_OUTBOX_AGE,
    BUS_OUTBOX_EVENTS, DB_POOL_CONNECTIONS, JOBS_DEAD, JOBS_OLDEST_AGE, JOBS_QUEUE_DEPTH, Metrics,
};
use platform::{audit, bus, jobs};
use sqlx::PgPool;

use crate::background::within;

pub(crate) const DATABASE: &str = "database";
pub(crate) const MIGRATIONS: &str = "migrations";
pub(crate) const SIGNING_KEYS: &str = "signing_keys";
pub(crate) const SEQUENCER: &str = "sequencer";
pub(crate) const IDENTITY: &str = "identity";

/// How often the database is asked whether it is there, and how long it may take to answer.
const PROBE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(3);
/// Events that wait longer than this for the sequencer mean that it does not work.
const LATE_S: f64 = 15.0;
/// How often gauges are set.
const GAUGES: Duration = Duration::from_secs(5);

/// Declares what is needed: not ready until each was seen.
pub(crate) fn expect(readiness: &Readiness) {
    for name in [DATABASE, MIGRATIONS, SIGNING_KEYS, SEQUENCER] {
        readiness.expect(name);
    }
}

/// Starts the tasks of a process that has the system's connection.
pub(crate) fn start(
    lifecycle: &Lifecycle,
    system: &SystemDb,
    clock: &SharedClock,
    dbs: Vec<Db>,
    metrics: Metrics,
) {
    let (readiness, probed) = (lifecycle.readiness().clone(), system.clone());
    lifecycle.spawn(Stage::Pools, "probe", TaskKind::Restart, move |stop| {
        let (readiness, system) = (readiness.clone(), probed.clone());
        async move {
            loop {
                probe(&readiness, &system).await;
                if wait(PROBE, &stop).await == Waited::Cancelled {
                    return Ok::<_, platform::Error>(());
                }
            }
        }
    });
    let (system, clock) = (system.clone(), Arc::clone(clock));
    lifecycle.spawn(Stage::Pools, "gauges", TaskKind::Restart, move |stop| {
        let (system, clock, dbs, metrics) = (system.clone(), clock.clone(), dbs.clone(), metrics.clone());
        async move {
            loop {
                metrics.upkeep();
                pool("system", system.pool());
                pools(&dbs);
                // A database that is away is said by the probe; the gauges keep their last values.
                let _read = within(GAUGES, gauges(&system, clock.now())).await;
                if wait(GAUGES, &stop).await == Waited::Cancelled {
                    return Ok::<_, platform::Error>(());
                }
            }
        }
    });
}

/// Starts the tasks of a process that only has connections of its services.
pub(crate) fn start_plain(lifecycle: &Lifecycle, dbs: Vec<Db>, metrics: Metrics) {
    let readiness = lifecycle.readiness().clone();
    lifecycle.spawn(Stage::Pools, "probe", TaskKind::Restart, move |stop| {
        let (readiness, dbs, metrics) = (readiness.clone(), dbs.clone(), metrics.clone());
        async move {
            loop {
                metrics.upkeep();
                pools(&dbs);
                for db in &dbs {
                    probe_plain(&readiness, db).await;
                }
                if wait(PROBE, &stop).await == Waited::Cancelled {
                    return Ok::<_, platform::Error>(());
                }
            }
        }
    });
}

/// One look at the database.
pub(crate) async fn probe_plain(readiness: &Readiness, db: &Db) {
    match tokio::time::timeout(PATIENCE, sqlx::query("SELECT 1").execute(db.pool())).await {
        Ok(Ok(_)) => readiness.up(DATABASE),
        Ok(Err(error)) => readiness.down(DATABASE, error.to_string()),
        Err(_elapsed) => readiness.down(DATABASE, "it does not answer in time"),
    }
}

/// One look at the database and the sequencer.
pub(crate) async fn probe(readiness: &Readiness, system: &SystemDb) {
    match tokio::time::timeout(PATIENCE, bus::status(system)).await {
        Ok(Ok(status)) => {
            readiness.up(DATABASE);
            if status.outbox_age_s > LATE_S {
                readiness.down(SEQUENCER, format!("events wait for {:.0} s", status.outbox_age_s));
            } else {
                readiness.up(SEQUENCER);
            }
        }
        Ok(Err(error)) => readiness.down(DATABASE, error.chain()),
        Err(_elapsed) => readiness.down(DATABASE, "it does not answer in time"),
    }
}

async fn gauges(system: &SystemDb, now: kernel::time::Timestamp) -> Result<()> {
    let log = bus::status(system).await?;
    metrics::gauge!(BUS_OUTBOX_EVENTS).set(number(log.outbox));
    metrics::gauge!(BUS_OUTBOX_AGE).set(log.outbox_age_s);
    metrics::gauge!(BUS_LOG_OFFSET).set(number(log.next_offset - 1));
    for consumer in log.consumers {
        let label = format!("{}/{}", consumer.consumer, consumer.part);
        metrics::gauge!(BUS_CONSUMER_LAG, "consumer" => label.clone()).set(number(consumer.lag));
        metrics::gauge!(BUS_DEAD_LETTERS, "consumer" => label).set(number(consumer.dead));
    }
    for queue in jobs::queues(system, now).await? {
        let label = format!("{}/{}", queue.service, queue.queue);
        metrics::gauge!(JOBS_QUEUE_DEPTH, "queue" => label.clone()).set(number(queue.depth));
        metrics::gauge!(JOBS_OLDEST_AGE, "queue" => label.clone()).set(queue.oldest_s);
        metrics::gauge!(JOBS_DEAD, "queue" => label).set(number(queue.dead));
    }
    metrics::gauge!(AUDIT_UNSEALED_AGE).set(audit::unsealed_age_s(system, now).await?);
    Ok(())
}

fn pools(dbs: &[Db]) {
    for db in dbs {
        pool(db.service(), db.pool());
    }
}

fn pool(name: &'static str, pool: &PgPool) {
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    let used = pool.size().saturating_sub(idle);
    metrics::gauge!(DB_POOL_CONNECTIONS, "pool" => name, "state" => "idle").set(f64::from(idle));
    metrics::gauge!(DB_POOL_CONNECTIONS, "pool" => name, "state" => "used").set(f64::from(used));
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating point numbers")]
fn number(count: i64) -> f64 {
    count as f64
}
