//! What is left to do at a moment, for whoever moves the time.

use kernel::time::Timestamp;
use sqlx::Row;

use crate::Result;
use crate::db::{SystemDb, ToSqlx};

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Events that are not in the log yet, or that a consumer has not seen.
    pub events: bool,
    /// Jobs or schedules that are due, or jobs that run.
    pub jobs: bool,
}

impl Left {
    /// Looks at log, consumers and jobs of all services.
    ///
    /// One statement, so that all of them are seen at the same moment: a job that ends between two looks, after it has
    /// written an event, would be missed by the second one and its event by the first.
    pub async fn at(system: &SystemDb, now: Timestamp) -> Result<Self> {
        let row = sqlx::query(
            "SELECT EXISTS (SELECT FROM bus.status() WHERE outbox > 0)
                 OR EXISTS (SELECT FROM bus.consumers() WHERE lag > 0) AS events,
                    EXISTS (SELECT FROM platform.jobs
                             WHERE state = 'running' OR (state = 'queued' AND run_at <= $1))
                 OR EXISTS (SELECT FROM platform.job_schedules WHERE next_run_at <= $1) AS jobs",
        )
        .bind(now.to_sqlx())
        .fetch_one(system.pool())
        .await?;
        Ok(Self { events: row.try_get("events")?, jobs: row.try_get("jobs")? })
    }

    /// Whether there is nothing.
    pub fn is_nothing(self) -> bool {
        self == Self { events: false, jobs: false }
    }
}
