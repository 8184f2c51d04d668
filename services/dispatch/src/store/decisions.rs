//! What was decided, and why.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DecisionId, OrderId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;
use sqlx::types::Json;

use crate::domain::snapshot::Snapshot;
use crate::domain::strategy::Proposal;

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Which.
    pub id: DecisionId,
    /// When.
    pub at: Timestamp,
    /// By which strategy.
    pub strategy: String,
    /// `system`, or the person who decided.
    pub by: String,
    /// From what.
    pub snapshot: Snapshot,
    /// What, and why.
    pub proposals: Vec<Proposal>,
}

struct Row {
    id: Uuid,
    at: SqlTime,
    strategy: String,
    by_actor: String,
    snapshot: Json<Snapshot>,
    proposals: Json<Vec<Proposal>>,
}

impl From<Row> for Decision {
    fn from(row: Row) -> Self {
        Self {
            id: DecisionId::new(row.id),
            at: row.at.to_jiff(),
            strategy: row.strategy,
            by: row.by_actor,
            snapshot: row.snapshot.0,
            proposals: row.proposals.0,
        }
    }
}

/// Stores one.
pub async fn insert(tx: &mut Tx, decision: &Decision) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO dispatch.decisions (org_id, id, at, strategy, by_actor, snapshot, proposals)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        org.uuid(),
        decision.id.uuid(),
        decision.at.to_sqlx() as _,
        decision.strategy,
        decision.by,
        Json(&decision.snapshot) as _,
        Json(&decision.proposals) as _,
    )
    .execute(tx.conn())
    .await?;
    let orders: Vec<Uuid> = decision.proposals.iter().map(|proposal| proposal.order_id.uuid()).collect();
    sqlx::query!(
        "INSERT INTO dispatch.decision_orders (org_id, order_id, decision_id)
         SELECT $1, unnest($2::uuid[]), $3 ON CONFLICT DO NOTHING",
        org.uuid(),
        &orders,
        decision.id.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Reads one.
pub async fn find(tx: &mut Tx, id: DecisionId) -> Result<Option<Decision>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, at AS "at: SqlTime", strategy, by_actor, snapshot AS "snapshot: Json<Snapshot>",
                  proposals AS "proposals: Json<Vec<Proposal>>"
             FROM dispatch.decisions WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Decision::from))
}

/// Decisions, newest first; those about one order if it is named.
pub async fn list(
    tx: &mut Tx,
    order: Option<OrderId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Decision>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT d.id, d.at AS "at: SqlTime", d.strategy, d.by_actor, d.snapshot AS "snapshot: Json<Snapshot>",
                  d.proposals AS "proposals: Json<Vec<Proposal>>"
             FROM dispatch.decisions d
            WHERE d.org_id = $1 AND ($3::uuid IS NULL OR d.id < $3)
              AND ($2::uuid IS NULL OR EXISTS (SELECT FROM dispatch.decision_orders o
                    WHERE o.org_id = d.org_id AND o.order_id = $2 AND o.decision_id = d.id))
            ORDER BY d.id DESC LIMIT $4"#,
        org.uuid(),
        order.map(OrderId::uuid),
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Decision::from).collect())
}

/// Removes what was decided before this moment, over all organisations; how many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT dispatch.purge($1) AS "gone!""#, before.to_sqlx() as _)
        .fetch_one(tx.conn())
        .await?)
}
