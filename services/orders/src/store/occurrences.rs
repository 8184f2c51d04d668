//! What became of each occurrence: one row each, so that no moment has two orders.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kernel::ids::{OrderId, RecurrenceId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::{Error, Result};

use crate::entities::recurrence::{Fate, Occurrence};

struct Row {
    occurs_at: SqlTime,
    state: String,
    order_id: Option<Uuid>,
    reason: Option<String>,
    recorded_at: SqlTime,
}

impl Row {
    fn open(self) -> Result<Occurrence> {
        let reason = self.reason.unwrap_or_default();
        let fate = match (self.state.as_str(), self.order_id) {
            ("created", Some(order)) => Fate::Created(OrderId::new(order)),
            ("skipped", None) => Fate::Skipped(reason),
            ("failed", None) => Fate::Failed(reason),
            _ => return Err(Error::internal("orders.occurrences.state cannot be")),
        };
        Ok(Occurrence { occurs_at: self.occurs_at.to_jiff(), fate, recorded_at: self.recorded_at.to_jiff() })
    }
}

/// Whether an occurrence may still have its order: nothing has become of it, or its order was refused. Its recurrence is
/// locked.
pub async fn is_open(tx: &mut Tx, recurrence: RecurrenceId, occurs_at: Timestamp) -> Result<bool> {
    let org = tx.org()?;
    let there = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM orders.occurrences
                           WHERE org_id = $1 AND recurrence_id = $2 AND occurs_at = $3 AND state <> 'failed') AS "there!""#,
        org.uuid(),
        recurrence.uuid(),
        occurs_at.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(!there)
}

/// Writes what became of an open occurrence. A second order for the same moment is a failure of ours, and with it goes the
/// order.
pub async fn record(tx: &mut Tx, recurrence: RecurrenceId, occurs_at: Timestamp, fate: &Fate) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    let written = sqlx::query!(
        "INSERT INTO orders.occurrences (org_id, recurrence_id, occurs_at, state, order_id, reason, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (org_id, recurrence_id, occurs_at) DO UPDATE
            SET state = $4, order_id = $5, reason = $6, recorded_at = $7 WHERE occurrences.state = 'failed'",
        org.uuid(),
        recurrence.uuid(),
        occurs_at.to_sqlx() as _,
        fate.as_str(),
        fate.order().map(OrderId::uuid),
        fate.reason(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::internal("an occurrence was to be recorded twice"))
}

/// A page, latest first.
pub async fn page(
    tx: &mut Tx,
    recurrence: RecurrenceId,
    before: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<Occurrence>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT occurs_at AS "occurs_at: SqlTime", state, order_id, reason, recorded_at AS "recorded_at: SqlTime"
             FROM orders.occurrences
            WHERE org_id = $1 AND recurrence_id = $2 AND ($3::timestamptz IS NULL OR occurs_at < $3)
            ORDER BY occurs_at DESC LIMIT $4"#,
        org.uuid(),
        recurrence.uuid(),
        before.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Row::open).collect()
}
