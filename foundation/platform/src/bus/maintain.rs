//! Looking after the log: partitions to come, days that are old enough, inbox rows of no use.

use crate::Result;
use crate::db::SystemDb;

/// How many days ahead partitions exist.
const DAYS_AHEAD: i32 = 7;
/// Inbox rows outlive the log by this much, so that an event that is delivered late still finds its row.
const INBOX_MARGIN_DAYS: i32 = 7;

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// New partitions.
    pub made: i32,
    /// Days that were dropped.
    pub dropped: i32,
    /// Inbox rows that were deleted.
    pub inbox: i64,
}

/// Makes partitions, drops days older than `retention_days` and the inbox rows behind them. The log's days are days of
/// the machine, not of the business clock.
pub async fn maintain(system: &SystemDb, retention_days: i32) -> Result<Maintained> {
    let pool = system.pool();
    let made =
        sqlx::query_scalar("SELECT bus.ensure_partitions($1)").bind(DAYS_AHEAD).fetch_one(pool).await?;
    let dropped =
        sqlx::query_scalar("SELECT bus.drop_partitions((clock_timestamp() AT TIME ZONE 'UTC')::date - $1)")
            .bind(retention_days)
            .fetch_one(pool)
            .await?;
    let inbox = sqlx::query_scalar("SELECT bus.purge_inbox($1)")
        .bind(retention_days + INBOX_MARGIN_DAYS)
        .fetch_one(pool)
        .await?;
    Ok(Maintained { made, dropped, inbox })
}

/// Begins a new epoch, after a restore: offsets of before must not be compared with those that follow.
pub async fn new_epoch(system: &SystemDb) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT bus.open_log(true)").fetch_one(system.pool()).await?)
}
