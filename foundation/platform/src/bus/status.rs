//! The state of the log and its consumers, for `dropmate bus status`, metrics and alarms.

use kernel::ids::{EventId, OrgId};
use sqlx::Row;

use crate::Result;
use crate::db::SystemDb;

/// One cursor of a consumer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ConsumerStatus {
    /// Durable name.
    pub consumer: String,
    /// The service it belongs to.
    pub service: String,
    /// Hash partition.
    pub part: i32,
    /// Events behind the head of the log.
    pub lag: i64,
    /// Events that failed or wait behind one that did.
    pub waiting: i64,
    /// Dead letters.
    pub dead: i64,
}

/// The head of the log.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LogStatus {
    /// The offset that the next event will get.
    pub next_offset: i64,
    /// Changes when the database is not the one the log was written on.
    pub epoch: i64,
    /// Events committed but not yet in the log.
    pub outbox: i64,
    /// Age of the oldest of them in seconds (0 when there is none).
    pub outbox_age_s: f64,
    /// Events whose version was in the log already: a fault in the service that published them.
    pub rejected: i64,
    /// All cursors.
    pub consumers: Vec<ConsumerStatus>,
}

/// An event that failed for good until somebody decides.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeadLetter {
    /// The consumer that could not handle it.
    pub consumer: String,
    /// The event.
    pub event_id: EventId,
    /// Its organisation.
    pub org_id: OrgId,
    /// `domain.action.version`.
    pub subject: String,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Later events of the same key that wait behind it.
    pub waiting: i64,
}

/// Reads the state of the log.
pub async fn status(system: &SystemDb) -> Result<LogStatus> {
    let head = sqlx::query("SELECT * FROM bus.status()").fetch_one(system.pool()).await?;
    let rows = sqlx::query("SELECT * FROM bus.consumers()").fetch_all(system.pool()).await?;
    let consumers = rows
        .iter()
        .map(|row| {
            Ok(ConsumerStatus {
                consumer: row.try_get("consumer")?,
                service: row.try_get("service")?,
                part: row.try_get("part")?,
                lag: row.try_get("lag")?,
                waiting: row.try_get("waiting")?,
                dead: row.try_get("dead")?,
            })
        })
        .collect::<Result<_, sqlx::Error>>()?;
    Ok(LogStatus {
        next_offset: head.try_get("next_offset")?,
        epoch: head.try_get("epoch")?,
        outbox: head.try_get("outbox")?,
        outbox_age_s: head.try_get::<Option<f64>, _>("oldest_outbox_s")?.unwrap_or(0.0),
        rejected: head.try_get("rejected")?,
        consumers,
    })
}

/// Lists the dead letters.
pub async fn dead_letters(system: &SystemDb) -> Result<Vec<DeadLetter>> {
    let rows = sqlx::query("SELECT * FROM bus.list_dead_letters()").fetch_all(system.pool()).await?;
    rows.iter()
        .map(|row| {
            Ok(DeadLetter {
                consumer: row.try_get("consumer")?,
                event_id: EventId::new(row.try_get("event_id")?),
                org_id: OrgId::new(row.try_get("org_id")?),
                subject: row.try_get("subject")?,
                attempts: row.try_get("attempts")?,
                last_error: row.try_get("last_error")?,
                waiting: row.try_get("waiting")?,
            })
        })
        .collect()
}
