//! Enqueuing inside the business transaction.

use kernel::ids::JobId;
use kernel::time::Timestamp;

use super::Job;
use crate::Result;
use crate::db::{ToSqlx, Tx};

/// When and how a job is enqueued.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnqueueOptions {
    /// Not before this moment (business time); at once when `None`.
    pub run_at: Option<Timestamp>,
}

/// What enqueuing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// A new row.
    New(JobId),
    /// A queued job with the same unique key was already there.
    Already,
}

impl Tx {
    /// Enqueues a job that is due at once.
    pub async fn enqueue<J: Job>(&mut self, job: &J) -> Result<Enqueued> {
        self.enqueue_with(job, EnqueueOptions::default()).await
    }

    /// Enqueues a job.
    pub async fn enqueue_with<J: Job>(&mut self, job: &J, options: EnqueueOptions) -> Result<Enqueued> {
        let row = NewJob {
            name: J::NAME,
            queue: J::QUEUE,
            priority: J::PRIORITY,
            max_attempts: J::MAX_ATTEMPTS,
            payload: serde_json::to_value(job)?,
            unique_key: job.unique_key(),
            run_at: options.run_at.unwrap_or_else(|| self.now()),
        };
        insert(self, row).await
    }
}

pub(super) struct NewJob {
    pub(super) name: &'static str,
    pub(super) queue: &'static str,
    pub(super) priority: i16,
    pub(super) max_attempts: i16,
    pub(super) payload: serde_json::Value,
    pub(super) unique_key: Option<String>,
    pub(super) run_at: Timestamp,
}

pub(super) async fn insert(tx: &mut Tx, job: NewJob) -> Result<Enqueued> {
    let id: JobId = tx.id();
    let now = tx.now().to_sqlx();
    let org = tx.scope().org.map(kernel::ids::OrgId::uuid);
    let trace = tx.scope().trace.clone();
    let done = sqlx::query(
        "INSERT INTO platform.jobs (id, queue, name, org_id, payload, priority, unique_key, run_at, max_attempts, trace,
                                    created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (service, unique_key) WHERE state = 'queued' AND unique_key IS NOT NULL DO NOTHING",
    )
    .bind(id.uuid())
    .bind(job.queue)
    .bind(job.name)
    .bind(org)
    .bind(job.payload)
    .bind(job.priority)
    .bind(job.unique_key)
    .bind(job.run_at.to_sqlx())
    .bind(job.max_attempts)
    .bind(trace)
    .bind(now)
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Enqueued::Already);
    }
    tx.enqueued += 1;
    Ok(Enqueued::New(id))
}
