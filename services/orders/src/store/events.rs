//! The history of an order: appended while its row is locked, never changed.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderEventId, OrderId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::vault::{Place, Private, Vault};
use platform::{Error, Result};
use serde_json::Value;

use super::{open_said, position, seal_said};
use crate::entities::{Order, OrderEvent};

/// For sealed columns.
pub const TABLE: &str = "orders.events";

/// What happened.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// A word of the table.
    pub kind: &'static str,
    /// What the status was.
    pub from: &'static str,
    /// By the device's clock.
    pub at: Timestamp,
    /// Where.
    pub position: Option<Position>,
    /// Why.
    pub reason: Option<String>,
    /// What was said.
    pub note: Option<Private>,
    /// Words and identifiers.
    pub detail: Value,
}

struct Row {
    id: Uuid,
    seq: i32,
    kind: String,
    from_status: String,
    to_status: String,
    driver_id: Option<Uuid>,
    attempt: i16,
    at: SqlTime,
    recorded_at: SqlTime,
    by: String,
    lat: Option<f64>,
    lon: Option<f64>,
    reason: Option<String>,
    note: Option<Vec<u8>>,
    subject_id: Option<Uuid>,
    detail: Value,
}

/// Appends to the history of a locked order, as it is afterwards.
pub async fn append(tx: &mut Tx, vault: &Vault, order: &Order, new: NewEvent) -> Result<()> {
    let (org, now, by) = (tx.org()?, tx.now(), tx.scope().actor.clone());
    let id: OrderEventId = tx.id();
    let subject = order.dropoff.subject;
    let place = Place::new(TABLE, "note", id);
    let note = seal_said(tx, vault, subject, place, new.note.as_ref()).await?;
    let note_subject = note.is_some().then_some(subject.uuid());
    sqlx::query!(
        "INSERT INTO orders.events (org_id, order_id, seq, id, kind, from_status, to_status, driver_id, attempt, at, recorded_at,
                                    by, lat, lon, reason, note, subject_id, detail)
         VALUES ($1, $2, (SELECT coalesce(max(seq), 0) + 1 FROM orders.events WHERE org_id = $1 AND order_id = $2),
                 $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        org.uuid(),
        order.id.uuid(),
        id.uuid(),
        new.kind,
        new.from,
        order.movement.status().as_str(),
        order.driver().map(DriverId::uuid),
        i16::try_from(order.movement.attempt()).map_err(Error::internal)?,
        new.at.to_sqlx() as _,
        now.to_sqlx() as _,
        by,
        new.position.map(Position::lat),
        new.position.map(Position::lon),
        new.reason,
        note,
        note_subject,
        new.detail,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A part of the history of an order, oldest first.
pub async fn list(
    tx: &mut Tx,
    vault: &Vault,
    order: OrderId,
    after: i32,
    limit: i64,
) -> Result<Vec<OrderEvent>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, seq, kind, from_status, to_status, driver_id, attempt, at AS "at: SqlTime",
                  recorded_at AS "recorded_at: SqlTime", by, lat, lon, reason, note, subject_id, detail
             FROM orders.events WHERE org_id = $1 AND order_id = $2 AND seq > $3 ORDER BY seq LIMIT $4"#,
        org.uuid(),
        order.uuid(),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let place = Place::new(TABLE, "note", row.id);
        let note = open_said(tx, vault, row.subject_id, place, row.note.as_ref()).await?;
        events.push(OrderEvent {
            id: OrderEventId::new(row.id),
            seq: row.seq,
            kind: row.kind,
            from: row.from_status,
            to: row.to_status,
            driver_id: row.driver_id.map(DriverId::new),
            attempt: row.attempt,
            at: row.at.to_jiff(),
            recorded_at: row.recorded_at.to_jiff(),
            by: row.by,
            position: position(row.lat, row.lon),
            reason: row.reason,
            note,
            detail: row.detail,
        });
    }
    Ok(events)
}
