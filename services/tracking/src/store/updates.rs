//! The timeline of a delivery. Rows are only added.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{OrderId, UpdateId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;

use crate::domain::delivery::Delivery;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Identifier.
    pub id: UpdateId,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// When it became known here.
    pub recorded_at: Timestamp,
    /// Which attempt of the order.
    pub attempt: u16,
}

struct Row {
    id: Uuid,
    kind: String,
    at: SqlTime,
    recorded_at: SqlTime,
    attempt: i32,
}

/// Adds a row at the place that the locked delivery counts.
pub async fn insert(tx: &mut Tx, delivery: &Delivery, kind: &str, at: Timestamp) -> Result<UpdateId> {
    let (org, now) = (tx.org()?, tx.now());
    let id: UpdateId = tx.id();
    sqlx::query!(
        "INSERT INTO tracking.delivery_updates (org_id, order_id, seq, id, kind, at, recorded_at, attempt)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.uuid(),
        delivery.order_id.uuid(),
        delivery.updates,
        id.uuid(),
        kind,
        at.to_sqlx() as _,
        now.to_sqlx() as _,
        i32::from(delivery.attempt),
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// All rows of an order, in their order. A delivery has dozens, not thousands.
pub async fn list(tx: &mut Tx, order: OrderId) -> Result<Vec<Update>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, at AS "at: SqlTime", recorded_at AS "recorded_at: SqlTime", attempt
             FROM tracking.delivery_updates WHERE org_id = $1 AND order_id = $2 ORDER BY seq LIMIT 1000"#,
        org.uuid(),
        order.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let update = |row: Row| Update {
        id: UpdateId::new(row.id),
        kind: row.kind,
        at: row.at.to_jiff(),
        recorded_at: row.recorded_at.to_jiff(),
        attempt: u16::try_from(row.attempt).unwrap_or(u16::MAX),
    };
    Ok(rows.into_iter().map(update).collect())
}
