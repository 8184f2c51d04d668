//! Buffered events on their way into the outbox.

use jiff_sqlx::ToSqlx;
use kernel::ids::{EventId, OrgId, Uuid};
use kernel::time::Timestamp;
use sqlx::postgres::PgConnection;

use crate::Result;

/// An event that the running transaction will publish.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Its identity, also the message id of brokers.
    pub event_id: EventId,
    /// The organisation it belongs to.
    pub org: OrgId,
    /// `domain.action.version`.
    pub subject: &'static str,
    /// The aggregate.
    pub key: Uuid,
    /// The aggregate's version after the change.
    pub version: i64,
    /// Identifiers and states; never personal data.
    pub payload: serde_json::Value,
    /// Who caused it.
    pub actor: String,
    /// The trace it belongs to.
    pub trace: Option<String>,
    /// Business time.
    pub occurred_at: Timestamp,
}

/// Writes all events in one statement. Called by `Tx::commit` just before `COMMIT`, when every row lock is held: an
/// outbox row that is written before the aggregate's lock breaks the order per key.
pub(crate) async fn write(conn: &mut PgConnection, events: Vec<Pending>) -> Result<()> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.event_id.uuid()).collect();
    let orgs: Vec<Uuid> = events.iter().map(|event| event.org.uuid()).collect();
    let subjects: Vec<&str> = events.iter().map(|event| event.subject).collect();
    let keys: Vec<Uuid> = events.iter().map(|event| event.key).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    let payloads: Vec<&serde_json::Value> = events.iter().map(|event| &event.payload).collect();
    let actors: Vec<&str> = events.iter().map(|event| event.actor.as_str()).collect();
    let traces: Vec<Option<&str>> = events.iter().map(|event| event.trace.as_deref()).collect();
    let times: Vec<jiff_sqlx::Timestamp> = events.iter().map(|event| event.occurred_at.to_sqlx()).collect();
    sqlx::query("SELECT bus.publish($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(ids)
        .bind(orgs)
        .bind(subjects)
        .bind(keys)
        .bind(versions)
        .bind(payloads)
        .bind(actors)
        .bind(traces)
        .bind(times)
        .execute(conn)
        .await?;
    Ok(())
}
