//! The state of the queues, for metrics and the autoscaler, and the removal of old rows.

use kernel::time::{SignedDuration, Timestamp};
use sqlx::Row;

use crate::Result;
use crate::db::{SystemDb, ToSqlx};

/// How long finished jobs are kept; dead letters stay until somebody decides.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One queue of one service.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct QueueStatus {
    /// The service.
    pub service: String,
    /// The queue.
    pub queue: String,
    /// Jobs that are due and wait.
    pub depth: i64,
    /// How long the oldest of them has been due, in seconds.
    pub oldest_s: f64,
    /// Jobs that are running.
    pub running: i64,
    /// Dead letters.
    pub dead: i64,
}

/// All queues.
pub async fn queues(system: &SystemDb, now: Timestamp) -> Result<Vec<QueueStatus>> {
    let rows = sqlx::query(
        "SELECT service, queue, count(*) FILTER (WHERE state = 'queued' AND run_at <= $1) AS depth,
                coalesce(extract(epoch FROM $1 - min(run_at) FILTER (WHERE state = 'queued' AND run_at <= $1)), 0)
                    ::double precision AS oldest_s,
                count(*) FILTER (WHERE state = 'running') AS running,
                count(*) FILTER (WHERE state = 'dead') AS dead
           FROM platform.jobs WHERE state IN ('queued', 'running', 'dead') GROUP BY service, queue ORDER BY 1, 2",
    )
    .bind(now.to_sqlx())
    .fetch_all(system.pool())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(QueueStatus {
                service: row.try_get("service")?,
                queue: row.try_get("queue")?,
                depth: row.try_get("depth")?,
                oldest_s: row.try_get("oldest_s")?,
                running: row.try_get("running")?,
                dead: row.try_get("dead")?,
            })
        })
        .collect()
}

/// Deletes finished jobs older than a week.
pub async fn purge(system: &SystemDb, now: Timestamp) -> Result<u64> {
    let before = now.checked_sub(KEPT).unwrap_or(now);
    let done =
        sqlx::query("DELETE FROM platform.jobs WHERE state IN ('done', 'cancelled') AND finished_at < $1")
            .bind(before.to_sqlx())
            .execute(system.pool())
            .await?;
    Ok(done.rows_affected())
}
