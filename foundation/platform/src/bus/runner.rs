//! Runs one consumer: batches behind savepoints, and the slow lane of events that failed.
//!
//! A batch is one transaction: it locks the cursor, claims inbox rows, runs each handler behind a savepoint and moves
//! the cursor. A handler that fails is rolled back to its savepoint; its event, and every later event of its key, go
//! to `bus.deferred` and are tried again one by one. Other keys go on.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff_sqlx::ToSqlx;
use kernel::ids::{EventId, OrgId, Uuid};
use kernel::time::{SignedDuration, Timestamp};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::source::{Log, Request, Source};
use super::{Consumer, Delivery, StartFrom};
use crate::db::{Db, LogNews, Scope, Tx};
use crate::{Error, Kind, Result};

/// How long a round may take before its connection counts as broken: longer than a batch of slow handlers.
const ROUND: Duration = Duration::from_mins(5);
/// How long a runner without work waits before it looks again. Wake-ups make it shorter; this is the truth.
const POLL: Duration = Duration::from_millis(500);
/// How long a runner waits after the database failed it.
const BACK_OFF: Duration = Duration::from_millis(500);

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Events whose effect was committed now.
    pub handled: usize,
    /// Events that were set aside.
    pub deferred: usize,
    /// Whether the cursor moved: there may be more.
    pub moved: bool,
}

/// Where there may be more.
struct More {
    batch: bool,
    slow: bool,
}

impl More {
    fn any(&self) -> bool {
        self.batch || self.slow
    }
}

/// Waits until the log grew by something of these subjects.
async fn concerning(bell: &mut watch::Receiver<LogNews>, since: u64, subjects: &[&str]) {
    while bell.changed().await.is_ok() {
        if bell.borrow_and_update().concerns(since, subjects) {
            return;
        }
    }
    // Nobody rings any more: polling goes on.
    std::future::pending::<()>().await;
}

/// One consumer on one service's connection.
#[derive(Debug, Clone)]
pub struct Runner {
    db: Db,
    consumer: Consumer,
    source: Arc<dyn Source>,
}

impl Runner {
    /// Prepares to run on the log; nothing is read yet.
    pub fn new(db: Db, consumer: Consumer) -> Self {
        Self::over(Arc::new(Log), db, consumer)
    }

    /// Prepares to run on another transport.
    pub fn over(source: Arc<dyn Source>, db: Db, consumer: Consumer) -> Self {
        Self { db, consumer, source }
    }

    /// The consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// Makes its cursors known to the database. Idempotent.
    pub async fn declare(&self) -> Result<()> {
        let from = if self.consumer.from == StartFrom::End { "end" } else { "start" };
        sqlx::query("SELECT bus.declare_consumer($1, $2, $3, $4)")
            .bind(self.consumer.name)
            .bind(self.consumer.subjects())
            .bind(self.consumer.parts)
            .bind(from)
            .execute(self.db.pool())
            .await?;
        Ok(())
    }

    /// Runs one partition until cancelled.
    pub async fn run(self, part: i32, cancel: CancellationToken) {
        let (subjects, mut bell) = (self.consumer.subjects(), self.db.wake().on_log());
        // Partition 0 also works the slow lane, in which nothing is due at once: it is looked at as often as is polled.
        let mut slow: Option<Instant> = None;
        loop {
            let heard = bell.borrow_and_update().moment();
            let look = part == 0 && slow.is_none_or(|at| at.elapsed() >= POLL);
            let round = tokio::time::timeout(ROUND, self.round(part, look)).await;
            let late = |elapsed| Err(Error::unavailable("database").with_source(elapsed));
            let pause = match round.unwrap_or_else(late) {
                Ok(more) => {
                    if look && !more.slow {
                        slow = Some(Instant::now());
                    }
                    if more.any() { Duration::ZERO } else { POLL }
                }
                Err(error) => {
                    report(self.consumer.name, &error);
                    BACK_OFF
                }
            };
            if cancel.is_cancelled() {
                return;
            }
            if pause == Duration::ZERO {
                continue;
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = tokio::time::timeout(pause, concerning(&mut bell, heard, &subjects)) => {}
            }
        }
    }

    /// One batch, then one deferred event, if that is looked at.
    async fn round(&self, part: i32, look: bool) -> Result<More> {
        // No call to another service from inside a batch: its transaction is open all the time.
        let batch = crate::db::watched(self.run_batch(part)).await?;
        let slow = look && crate::db::watched(self.run_deferred()).await?;
        Ok(More { batch: batch.moved, slow })
    }

    /// Handles the next batch of one partition in one transaction.
    pub async fn run_batch(&self, part: i32) -> Result<Progress> {
        let request = Request { consumer: self.consumer.name, part, limit: self.consumer.batch };
        let mut tx = self.db.begin(&Scope::installation()).await?;
        let Some(batch) = self.source.receive(&mut tx, request).await? else {
            tx.rollback().await?;
            return Ok(Progress::default());
        };
        let mut progress = Progress { moved: true, ..Progress::default() };
        let mut lane = Lane::open(self.consumer.name, &mut tx, &batch.deliveries).await?;
        for delivery in &batch.deliveries {
            if !lane.fresh.contains(&delivery.event_id.uuid()) {
                continue;
            }
            if lane.parked.contains(&delivery.key) {
                self.defer(&mut tx, delivery, 0, None).await?;
                progress.deferred += 1;
                continue;
            }
            match self.attempt(&mut tx, delivery).await? {
                Ok(()) => progress.handled += 1,
                Err(error) => {
                    self.defer(&mut tx, delivery, 1, Some(&error)).await?;
                    lane.parked.insert(delivery.key);
                    progress.deferred += 1;
                }
            }
        }
        self.source.settle(&mut tx, request, &batch).await?;
        tx.commit().await?;
        self.source.acknowledge(request, batch).await?;
        Ok(progress)
    }

    /// Tries the first event of the slow lane that is due; true when there was one.
    pub async fn run_deferred(&self) -> Result<bool> {
        let mut tx = self.db.begin(&Scope::installation()).await?;
        let row = sqlx::query("SELECT * FROM bus.next_deferred($1, $2)")
            .bind(self.consumer.name)
            .bind(tx.now().to_sqlx())
            .fetch_optional(tx.conn())
            .await?;
        let Some(row) = row else {
            tx.rollback().await?;
            return Ok(false);
        };
        let delivery = delivery(&row)?;
        let attempts: i32 = row.try_get("attempts")?;
        let outcome = self.attempt_once(&mut tx, &delivery).await?;
        match outcome {
            Ok(()) => {
                sqlx::query("SELECT bus.finish_deferred($1, $2)")
                    .bind(self.consumer.name)
                    .bind(delivery.event_id.uuid())
                    .execute(tx.conn())
                    .await?;
            }
            Err(error) => self.defer(&mut tx, &delivery, attempts + 1, Some(&error)).await?,
        }
        tx.commit().await?;
        Ok(true)
    }

    /// The deferred lane claims its own inbox row, so that a repeated delivery elsewhere finds it.
    async fn attempt_once(&self, tx: &mut Tx, delivery: &Delivery) -> Result<Result<()>> {
        let fresh: Option<Uuid> = sqlx::query_scalar("SELECT bus.claim_inbox($1, $2)")
            .bind(self.consumer.name)
            .bind(vec![delivery.event_id.uuid()])
            .fetch_optional(tx.conn())
            .await?;
        if fresh.is_none() { Ok(Ok(())) } else { self.attempt(tx, delivery).await }
    }

    /// Runs the handler behind a savepoint. The outer error ends the batch: the connection is gone.
    async fn attempt(&self, tx: &mut Tx, delivery: &Delivery) -> Result<Result<()>> {
        tx.statement("SAVEPOINT event".to_owned()).await?;
        let (pending, enqueued) = (tx.pending.len(), tx.enqueued);
        tx.enter(delivery.org).await?;
        tx.set_caller(format!("consumer:{}", self.consumer.name), delivery.trace.clone());
        let handled = AssertUnwindSafe(self.consumer.handle(tx, delivery)).catch_unwind().await;
        let outcome = handled.unwrap_or_else(|_panic| {
            Err(Error::internal(format!("the handler of {} panicked", delivery.subject)))
        });
        match outcome {
            Ok(()) => {
                tx.statement("RELEASE SAVEPOINT event".to_owned()).await?;
                Ok(Ok(()))
            }
            Err(error) => {
                tx.statement("ROLLBACK TO SAVEPOINT event".to_owned()).await?;
                tx.pending.truncate(pending);
                tx.enqueued = enqueued;
                // The rollback also took back the SET LOCAL: forget which organisation the transaction was in.
                tx.leave();
                Ok(Err(error))
            }
        }
    }

    async fn defer(&self, tx: &mut Tx, event: &Delivery, attempts: i32, error: Option<&Error>) -> Result<()> {
        if let Some(error) = error {
            report(self.consumer.name, error);
        }
        let dead = attempts >= self.consumer.max_attempts;
        let run_at = retry_at(tx.now(), attempts, tx.random().fraction());
        if dead {
            tracing::error!(
                consumer = self.consumer.name,
                event_id = %event.event_id,
                subject = event.subject,
                "event became a dead letter; its key waits until it is replayed or skipped"
            );
        }
        sqlx::query("SELECT bus.defer($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)")
            .bind(self.consumer.name)
            .bind(event.offset)
            .bind(event.event_id.uuid())
            .bind(event.org.uuid())
            .bind(&event.subject)
            .bind(event.key)
            .bind(event.version)
            .bind(&event.payload)
            .bind(&event.actor)
            .bind(&event.trace)
            .bind(event.occurred_at.to_sqlx())
            .bind(attempts)
            .bind(run_at.to_sqlx())
            .bind(error.map(Error::chain))
            .bind(dead)
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

/// What a batch knows about its events before it runs them.
struct Lane {
    fresh: HashSet<Uuid>,
    parked: HashSet<Uuid>,
}

impl Lane {
    async fn open(consumer: &str, tx: &mut Tx, deliveries: &[Delivery]) -> Result<Self> {
        if deliveries.is_empty() {
            return Ok(Self { fresh: HashSet::new(), parked: HashSet::new() });
        }
        let ids: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.event_id.uuid()).collect();
        let keys: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.key).collect();
        let fresh: Vec<Uuid> = sqlx::query_scalar("SELECT bus.claim_inbox($1, $2)")
            .bind(consumer)
            .bind(ids)
            .fetch_all(tx.conn())
            .await?;
        let parked: Vec<Uuid> = sqlx::query_scalar("SELECT bus.parked_keys($1, $2)")
            .bind(consumer)
            .bind(keys)
            .fetch_all(tx.conn())
            .await?;
        Ok(Self { fresh: fresh.into_iter().collect(), parked: parked.into_iter().collect() })
    }
}

pub(super) fn delivery(row: &PgRow) -> Result<Delivery> {
    Ok(Delivery {
        offset: row.try_get("offset")?,
        event_id: EventId::new(row.try_get("event_id")?),
        org: OrgId::new(row.try_get("org_id")?),
        subject: row.try_get("subject")?,
        key: row.try_get("key")?,
        version: row.try_get("version")?,
        payload: row.try_get("payload")?,
        actor: row.try_get("actor")?,
        trace: row.try_get("trace")?,
        occurred_at: row.try_get::<jiff_sqlx::Timestamp, _>("occurred_at")?.to_jiff(),
    })
}

/// 1 s, 2 s, 4 s ... at most 5 minutes, plus up to half of it at random. Events that only wait behind one are due at
/// once: the order of the key decides.
fn retry_at(now: Timestamp, attempts: i32, jitter: f64) -> Timestamp {
    if attempts == 0 {
        return now;
    }
    let exponent = u32::try_from(attempts - 1).unwrap_or(0).min(9);
    let base = f64::from((1_u32 << exponent).min(300));
    let delay = SignedDuration::try_from_secs_f64(base * (1.0 + jitter / 2.0))
        .unwrap_or(SignedDuration::from_secs(300));
    now.checked_add(delay).unwrap_or(now)
}

fn report(consumer: &str, error: &Error) {
    if error.kind() == Kind::Unavailable {
        tracing::warn!(consumer, error = %error.chain(), "consumer could not go on");
    } else {
        tracing::error!(consumer, error = %error.chain(), "consumer failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_slow_down_and_are_bounded() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let seconds = |attempts, jitter| retry_at(now, attempts, jitter).duration_since(now).as_secs();
        assert_eq!(seconds(0, 0.9), 0);
        assert_eq!(seconds(1, 0.0), 1);
        assert_eq!(seconds(4, 0.0), 8);
        assert_eq!(seconds(40, 0.0), 300);
        assert_eq!(seconds(40, 0.999), 449);
    }
}
