//! Jobs that come by themselves: cron expressions or fixed intervals, one leader per schedule.

use std::str::FromStr;
use std::time::Duration;

use kernel::time::{SignedDuration, Timestamp};
use sqlx::Row;

use super::enqueue::{self, NewJob};
use super::{Enqueued, Job};
use crate::db::{Db, Scope, ToSqlx};
use crate::{Error, Result};

/// When a schedule is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// A cron expression with a time zone as its sixth field: `0 3 * * * UTC`.
    Cron(&'static str),
    /// Every so often, counted from the last time.
    Every(Duration),
}

impl std::fmt::Display for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cron(expression) => f.write_str(expression),
            Self::Every(interval) => write!(f, "every {}s", interval.as_secs()),
        }
    }
}

impl Spec {
    /// The first moment after `now` at which it is due.
    pub fn next(&self, now: Timestamp) -> Result<Timestamp> {
        match self {
            Self::Cron(expression) => {
                let cron = cronexpr::Crontab::from_str(expression).map_err(Error::internal)?;
                let next = cron.find_next(now.to_string().as_str()).map_err(Error::internal)?;
                Ok(next.timestamp())
            }
            Self::Every(interval) => {
                let interval = SignedDuration::try_from(*interval).map_err(Error::internal)?;
                now.checked_add(interval).map_err(Error::internal)
            }
        }
    }
}

/// A job with its times.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(super) name: &'static str,
    pub(super) spec: Spec,
    queue: &'static str,
    priority: i16,
    max_attempts: i16,
    payload: serde_json::Value,
}

impl Schedule {
    /// Runs `job` at the times of `spec`. A run that is still queued is not queued twice.
    pub fn new<J: Job>(spec: Spec, job: &J) -> Result<Self> {
        spec.next(Timestamp::UNIX_EPOCH)?;
        Ok(Self {
            name: J::NAME,
            spec,
            queue: J::QUEUE,
            priority: J::PRIORITY,
            max_attempts: J::MAX_ATTEMPTS,
            payload: serde_json::to_value(job)?,
        })
    }

    /// Makes the schedule known; a changed spec starts anew.
    pub(super) async fn declare(&self, db: &Db) -> Result<()> {
        let next = self.spec.next(db.clock().now())?;
        sqlx::query(
            "INSERT INTO platform.job_schedules (name, spec, next_run_at) VALUES ($1, $2, $3)
             ON CONFLICT (service, name) DO UPDATE SET spec = excluded.spec, next_run_at = excluded.next_run_at
              WHERE job_schedules.spec <> excluded.spec",
        )
        .bind(self.name)
        .bind(self.spec.to_string())
        .bind(next.to_sqlx())
        .execute(db.pool())
        .await?;
        Ok(())
    }

    /// Those of them whose time has come.
    pub(super) async fn due<'a>(schedules: &'a [Self], db: &Db) -> Result<Vec<&'a Self>> {
        if schedules.is_empty() {
            return Ok(Vec::new());
        }
        let due: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM platform.job_schedules WHERE service = platform.service() AND next_run_at <= $1",
        )
        .bind(db.clock().now().to_sqlx())
        .fetch_all(db.pool())
        .await?;
        Ok(schedules.iter().filter(|schedule| due.iter().any(|name| name == schedule.name)).collect())
    }

    /// Enqueues the job if its time has come and no other instance is doing so. A missed time is made up once.
    pub(super) async fn tick(&self, db: &Db) -> Result<bool> {
        let mut tx = db.begin(&Scope::installation()).await?;
        let now = tx.now();
        let due = sqlx::query(
            "SELECT next_run_at FROM platform.job_schedules
              WHERE service = platform.service() AND name = $1 AND next_run_at <= $2 FOR UPDATE SKIP LOCKED",
        )
        .bind(self.name)
        .bind(now.to_sqlx())
        .fetch_optional(tx.conn())
        .await?;
        let Some(due) = due else { return Ok(false) };
        let planned = due.try_get::<jiff_sqlx::Timestamp, _>("next_run_at")?.to_jiff();
        let job = NewJob {
            name: self.name,
            queue: self.queue,
            priority: self.priority,
            max_attempts: self.max_attempts,
            payload: self.payload.clone(),
            unique_key: Some(format!("schedule:{}", self.name)),
            run_at: planned,
        };
        let enqueued = enqueue::insert(&mut tx, job).await?;
        sqlx::query(
            "UPDATE platform.job_schedules SET next_run_at = $2 WHERE service = platform.service() AND name = $1",
        )
        .bind(self.name)
        .bind(self.spec.next(now)?.to_sqlx())
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(matches!(enqueued, Enqueued::New(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cron_keeps_to_the_wall_clock_across_daylight_saving() {
        let spec = Spec::Cron("30 2 * * * Europe/Berlin");
        let next = |now: &str| spec.next(now.parse().unwrap()).unwrap().to_string();
        assert_eq!(next("2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("2026-11-20T12:00:00Z"), "2026-11-21T01:30:00Z");
    }

    #[test]
    fn intervals_count_from_now() {
        let spec = Spec::Every(Duration::from_secs(90));
        assert_eq!(
            spec.next("2026-11-20T12:00:00Z".parse().unwrap()).unwrap().to_string(),
            "2026-11-20T12:01:30Z"
        );
        assert_eq!(spec.to_string(), "every 90s");
    }
}
