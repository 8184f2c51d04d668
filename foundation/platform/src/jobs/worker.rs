//! Claims due jobs and runs them.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use kernel::ids::{JobId, OrgId, Uuid};
use kernel::time::{SignedDuration, Timestamp};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio_util::sync::CancellationToken;

use super::{JobContext, JobError, JobKind, Schedule};
use crate::db::{Db, Scope, ToSqlx};
use crate::{Error, Result};

/// How long claiming may take before its connection counts as broken.
const CLAIM: Duration = Duration::from_secs(15);
/// How long a worker without work waits before it looks again. Wake-ups make it shorter; this is the truth.
const POLL: Duration = Duration::from_millis(500);
/// Added to a job's time limit for its lease: a worker that is alive always finishes before its lease ends.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// Works the jobs of one service.
#[derive(Debug, Clone)]
pub struct Worker {
    db: Db,
    kinds: BTreeMap<&'static str, JobKind>,
    schedules: Vec<Schedule>,
    concurrency: usize,
}

/// A claimed job.
struct Claimed {
    id: JobId,
    token: Uuid,
    kind: JobKind,
    payload: serde_json::Value,
    org: Option<OrgId>,
    attempt: i16,
    max_attempts: i16,
    trace: Option<String>,
}

impl Worker {
    /// A worker for these kinds, running at most `concurrency` jobs at a time.
    pub fn new(db: Db, kinds: Vec<JobKind>, schedules: Vec<Schedule>, concurrency: usize) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind.name, kind)).collect();
        Self { db, kinds, schedules, concurrency: concurrency.max(1) }
    }

    /// Makes the schedules known to the database. Idempotent.
    pub async fn declare(&self) -> Result<()> {
        for schedule in &self.schedules {
            schedule.declare(&self.db).await?;
        }
        Ok(())
    }

    /// Runs until cancelled; jobs that are running then are told to stop and get their chance to.
    pub async fn run(self, cancel: CancellationToken) {
        let mut bell = self.db.wake().on_jobs(self.db.service());
        let mut running = FuturesUnordered::new();
        while !cancel.is_cancelled() {
            bell.borrow_and_update();
            let free = self.concurrency - running.len();
            match self.claim_beside(free, &mut running).await {
                Ok(jobs) => running.extend(jobs.into_iter().map(|job| self.run_one(job, &cancel))),
                Err(error) => tracing::warn!(error = %error.chain(), "jobs could not be claimed"),
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                Some(()) = running.next() => {}
                _ = tokio::time::timeout(POLL, bell.changed()), if running.len() < self.concurrency => {}
            }
        }
        while running.next().await.is_some() {}
    }

    /// Enqueues what is scheduled, then runs everything that is due, until nothing is. For tests and for draining.
    pub async fn drain(&self) -> Result<usize> {
        let mut done = 0;
        loop {
            let jobs = self.claim(self.concurrency).await?;
            if jobs.is_empty() {
                return Ok(done);
            }
            for job in jobs {
                self.run_one(job, &CancellationToken::new()).await;
                done += 1;
            }
        }
    }

    /// Claims while the running jobs go on: they hold connections, and locks that others wait for. If they stood still until
    /// there is a connection for the claim, both would wait for each other.
    async fn claim_beside(
        &self,
        limit: usize,
        running: &mut FuturesUnordered<impl Future<Output = ()>>,
    ) -> Result<Vec<Claimed>> {
        let mut claim = std::pin::pin!(self.claim_in_time(limit));
        loop {
            tokio::select! {
                claimed = &mut claim => return claimed,
                Some(()) = running.next() => {}
            }
        }
    }

    /// A connection whose other end is gone must not end the work of a process.
    async fn claim_in_time(&self, limit: usize) -> Result<Vec<Claimed>> {
        let late = |elapsed| Error::unavailable("database").with_source(elapsed);
        tokio::time::timeout(CLAIM, self.claim(limit)).await.map_err(late)?
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Claimed>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        for schedule in Schedule::due(&self.schedules, &self.db).await? {
            schedule.tick(&self.db).await?;
        }
        let mut tx = self.db.begin(&Scope::installation()).await?;
        recover(&mut tx).await?;
        let names: Vec<&str> = self.kinds.keys().copied().collect();
        let longest = self.kinds.values().map(|kind| kind.timeout).max().unwrap_or_default() + LEASE_MARGIN;
        let token = tx.random().uuid_v7(tx.now());
        let now = tx.now().to_sqlx();
        // Materialised: as a sub-select in IN the planner may run it again per row, and each time it locks others, so
        // that more jobs are claimed than asked for.
        let rows = sqlx::query(
            "WITH due AS MATERIALIZED (
                 SELECT id FROM platform.jobs
                  WHERE service = platform.service() AND state = 'queued' AND name = ANY ($3) AND run_at <= $4
                  ORDER BY priority DESC, run_at, id LIMIT $5 FOR UPDATE SKIP LOCKED)
             UPDATE platform.jobs j
                SET state = 'running', attempts = j.attempts + 1, lease_token = $1,
                    lease_until = now() + make_interval(secs => $2)
               FROM due WHERE j.id = due.id
             RETURNING j.id, j.name, j.payload, j.org_id, j.attempts, j.max_attempts, j.trace",
        )
        .bind(token)
        .bind(longest.as_secs_f64())
        .bind(names)
        .bind(now)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(tx.conn())
        .await?;
        tx.commit().await?;
        rows.iter().filter_map(|row| self.claimed(row, token).transpose()).collect()
    }

    fn claimed(&self, row: &PgRow, token: Uuid) -> Result<Option<Claimed>> {
        let name: String = row.try_get("name")?;
        let Some(kind) = self.kinds.get(name.as_str()) else { return Ok(None) };
        Ok(Some(Claimed {
            id: JobId::new(row.try_get("id")?),
            token,
            kind: kind.clone(),
            payload: row.try_get("payload")?,
            org: row.try_get::<Option<Uuid>, _>("org_id")?.map(OrgId::new),
            attempt: row.try_get("attempts")?,
            max_attempts: row.try_get("max_attempts")?,
            trace: row.try_get("trace")?,
        }))
    }

    async fn run_one(&self, job: Claimed, stop: &CancellationToken) {
        let begun = Instant::now();
        let name = job.kind.name;
        let outcome = self.call(&job, stop).await;
        let result = if outcome.is_ok() { "done" } else { "failed" };
        metrics::histogram!("dropmate_jobs_duration_seconds", "job" => name, "result" => result)
            .record(begun.elapsed().as_secs_f64());
        let finished = match outcome {
            Ok(()) => self.finish(&job, "done", None, None).await,
            Err(error) => self.fail(&job, error).await,
        };
        if let Err(error) = finished {
            // The lease ends by itself; the job is then run again.
            tracing::warn!(job = name, job_id = %job.id, error = %error.chain(), "a job's end could not be recorded");
        }
    }

    async fn call(&self, job: &Claimed, stop: &CancellationToken) -> Result<(), JobError> {
        let cancel = stop.child_token();
        let context = JobContext {
            id: job.id,
            attempt: job.attempt,
            org: job.org,
            db: self.db.clone(),
            cancel: cancel.clone(),
            trace: job.trace.clone(),
        };
        let handler = crate::db::watched(job.kind.call(context, job.payload.clone()));
        let handler = AssertUnwindSafe(handler).catch_unwind();
        match tokio::time::timeout(job.kind.timeout, handler).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panic)) => Err(JobError::Retry(Error::internal("the handler panicked"))),
            Err(_elapsed) => {
                cancel.cancel();
                Err(JobError::Retry(Error::internal("the handler took too long")))
            }
        }
    }

    async fn fail(&self, job: &Claimed, error: JobError) -> Result<()> {
        let now = self.db.clock().now();
        let jitter = self.db.random().fraction();
        let (retry, error) = match error {
            JobError::Retry(error) => (Some(retry_at(now, job.attempt, jitter)), error),
            JobError::RetryAfter(after, error) => {
                let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::from_secs(60));
                (now.checked_add(after).ok(), error)
            }
            JobError::GiveUp(error) => (None, error),
        };
        let text = error.chain();
        if let Some(at) = retry.filter(|_| job.attempt < job.max_attempts) {
            tracing::warn!(job = job.kind.name, job_id = %job.id, attempt = job.attempt, error = %text, "job failed, will be tried again");
            return self.finish(job, "queued", Some(text), Some(at)).await;
        }
        tracing::error!(job = job.kind.name, job_id = %job.id, attempt = job.attempt, error = %text, "job failed for good");
        self.finish(job, "dead", Some(text), None).await
    }

    /// Records the end of an attempt, if this worker still holds the lease.
    async fn finish(
        &self,
        job: &Claimed,
        state: &str,
        error: Option<String>,
        run_at: Option<Timestamp>,
    ) -> Result<()> {
        let done = match self.record(job, state, error.clone(), run_at).await {
            // Another with the same unique key was enqueued in this very moment, and is enough.
            Err(sqlx::Error::Database(refused)) if refused.is_unique_violation() => {
                self.record(job, "cancelled", error, None).await?
            }
            recorded => recorded?,
        };
        if done == 0 {
            tracing::warn!(job_id = %job.id, "the lease was lost; another worker has the job");
        }
        Ok(())
    }

    /// How many rows were changed.
    async fn record(
        &self,
        job: &Claimed,
        state: &str,
        error: Option<String>,
        run_at: Option<Timestamp>,
    ) -> Result<u64, sqlx::Error> {
        let done = sqlx::query(
            "UPDATE platform.jobs
                SET state = CASE WHEN $3 = 'queued' AND unique_key IS NOT NULL AND EXISTS (
                                SELECT FROM platform.jobs o WHERE o.service = jobs.service
                                   AND o.unique_key = jobs.unique_key AND o.state = 'queued')
                            THEN 'cancelled' ELSE $3 END,
                    last_error = coalesce($4, last_error), run_at = coalesce($5, run_at),
                    finished_at = CASE WHEN $3 = 'queued' THEN NULL ELSE $6 END,
                    lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(job.id.uuid())
        .bind(job.token)
        .bind(state)
        .bind(error)
        .bind(run_at.map(ToSqlx::to_sqlx))
        .bind(self.db.clock().now().to_sqlx())
        .execute(self.db.pool())
        .await?;
        Ok(done.rows_affected())
    }
}

/// Gives back the jobs of workers that died: queued again, or dead when that was the last attempt. Of several with one
/// unique key only the newest is queued: two would be refused by the index, and with them every claim from then on.
async fn recover(tx: &mut crate::db::Tx) -> Result<()> {
    let now = tx.now().to_sqlx();
    sqlx::query(
        "UPDATE platform.jobs j
            SET state = CASE WHEN j.attempts >= j.max_attempts THEN 'dead'
                             WHEN lost.rank > 1 OR (j.unique_key IS NOT NULL AND EXISTS (
                                 SELECT FROM platform.jobs o WHERE o.service = j.service
                                    AND o.unique_key = j.unique_key AND o.state = 'queued')) THEN 'cancelled'
                             ELSE 'queued' END,
                finished_at = CASE WHEN j.attempts >= j.max_attempts THEN $1::timestamptz END,
                last_error = 'the worker died or lost its connection', lease_token = NULL, lease_until = NULL
           FROM (SELECT id, CASE WHEN unique_key IS NULL THEN 1 ELSE row_number() OVER (
                                PARTITION BY unique_key, attempts >= max_attempts ORDER BY id DESC) END AS rank
                   FROM platform.jobs
                  WHERE service = platform.service() AND state = 'running' AND lease_until < now()) lost
          WHERE j.id = lost.id AND j.state = 'running' AND j.lease_until < now()",
    )
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// 2 s, 4 s, 8 s ... at most an hour, plus up to half of it at random.
fn retry_at(now: Timestamp, attempt: i16, jitter: f64) -> Timestamp {
    let exponent = u32::try_from(attempt).unwrap_or(1).min(12);
    let base = f64::from((1_u32 << exponent).min(3600));
    let delay = SignedDuration::try_from_secs_f64(base * (1.0 + jitter / 2.0))
        .unwrap_or(SignedDuration::from_hours(1));
    now.checked_add(delay).unwrap_or(now)
}
