//! Orders as dispatch sees them: a read model, and the queue.

use contracts::orders::{OrderFacts, OrderStatus};
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DecisionId, DriverId, OrderId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::{Error, Result};
use sqlx::types::Json;

/// What dispatch does about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// Somebody should be found.
    Waiting,
    /// Drivers are asked.
    Offered,
    /// Orders is being told who gets it.
    Proposed,
    /// A person has to decide.
    Stuck,
    /// A driver has it, or it is over.
    Taken,
}

impl QueueState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Offered, Self::Proposed, Self::Stuck, Self::Taken];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Proposed => "proposed",
            Self::Stuck => "stuck",
            Self::Taken => "taken",
        }
    }
}

/// One order.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The order.
    pub order_id: OrderId,
    /// Its version.
    pub version: i64,
    /// The movement.
    pub status: OrderStatus,
    /// Who has it, or is about to get it.
    pub driver_id: Option<DriverId>,
    /// Which attempt.
    pub attempt: u16,
    /// What it is.
    pub facts: OrderFacts,
    /// What dispatch does about it.
    pub state: QueueState,
    /// How many rounds of asking there were.
    pub round: u16,
    /// Not looked at before.
    pub look_at: Timestamp,
    /// Since when nobody has it.
    pub waiting_since: Timestamp,
    /// The last decision about it.
    pub decision_id: Option<DecisionId>,
    /// How often somebody was decided for.
    pub proposals: i64,
}

struct Row {
    order_id: Uuid,
    version: i64,
    status: String,
    driver_id: Option<Uuid>,
    attempt: i32,
    facts: Json<OrderFacts>,
    state: String,
    round: i32,
    look_at: SqlTime,
    waiting_since: SqlTime,
    decision_id: Option<Uuid>,
    proposals: i64,
}

impl TryFrom<Row> for Known {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let impossible = |what: &str| Error::internal(format!("dispatch.orders {}: {what}", row.order_id));
        let state = QueueState::ALL.into_iter().find(|state| state.as_str() == row.state);
        Ok(Self {
            order_id: OrderId::new(row.order_id),
            version: row.version,
            status: OrderStatus::parse(&row.status).ok_or_else(|| impossible("status"))?,
            driver_id: row.driver_id.map(DriverId::new),
            attempt: u16::try_from(row.attempt).map_err(Error::internal)?,
            facts: row.facts.0,
            state: state.ok_or_else(|| impossible("state"))?,
            round: u16::try_from(row.round).map_err(Error::internal)?,
            look_at: row.look_at.to_jiff(),
            waiting_since: row.waiting_since.to_jiff(),
            decision_id: row.decision_id.map(DecisionId::new),
            proposals: row.proposals,
        })
    }
}

/// Notes a new order. One that is known stays as it is.
pub async fn insert(
    tx: &mut Tx,
    id: OrderId,
    version: i64,
    facts: &OrderFacts,
    look_at: Timestamp,
) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!(
        "INSERT INTO dispatch.orders (org_id, order_id, version, status, attempt, facts, state, look_at, waiting_since)
         VALUES ($1, $2, $3, 'created', 1, $4, 'waiting', $5, $6) ON CONFLICT DO NOTHING",
        org.uuid(),
        id.uuid(),
        version,
        Json(facts) as _,
        look_at.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Reads one.
pub async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<Known>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT order_id, version, status, driver_id, attempt, facts AS "facts: Json<OrderFacts>", state, round,
                  look_at AS "look_at: SqlTime", waiting_since AS "waiting_since: SqlTime", decision_id, proposals
             FROM dispatch.orders WHERE org_id = $1 AND order_id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Known::try_from).transpose()
}

/// Reads and locks one.
pub async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<Known>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT order_id, version, status, driver_id, attempt, facts AS "facts: Json<OrderFacts>", state, round,
                  look_at AS "look_at: SqlTime", waiting_since AS "waiting_since: SqlTime", decision_id, proposals
             FROM dispatch.orders WHERE org_id = $1 AND order_id = $2 FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Known::try_from).transpose()
}

/// Orders that nobody has, oldest first; with `due`, only those that wait and are due then.
pub async fn queue(
    tx: &mut Tx,
    due: Option<Timestamp>,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Known>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT order_id, version, status, driver_id, attempt, facts AS "facts: Json<OrderFacts>", state, round,
                  look_at AS "look_at: SqlTime", waiting_since AS "waiting_since: SqlTime", decision_id, proposals
             FROM dispatch.orders
            WHERE org_id = $1 AND state <> 'taken' AND ($2::timestamptz IS NULL OR (state = 'waiting' AND look_at <= $2))
              AND ($3::timestamptz IS NULL OR (waiting_since, order_id) > ($3, $4))
            ORDER BY waiting_since, order_id LIMIT $5"#,
        org.uuid(),
        due.map(ToSqlx::to_sqlx) as _,
        after.map(|(since, _)| since.to_sqlx()) as _,
        after.map(|(_, id)| id),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Known::try_from).collect()
}

/// Orders that drivers have.
pub async fn with_drivers(tx: &mut Tx) -> Result<Vec<Known>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT order_id, version, status, driver_id, attempt, facts AS "facts: Json<OrderFacts>", state, round,
                  look_at AS "look_at: SqlTime", waiting_since AS "waiting_since: SqlTime", decision_id, proposals
             FROM dispatch.orders WHERE org_id = $1 AND driver_id IS NOT NULL"#,
        org.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Known::try_from).collect()
}

/// When the next one of those that wait will be due after this moment.
pub async fn next_due(tx: &mut Tx, now: Timestamp) -> Result<Option<Timestamp>> {
    let org = tx.org()?;
    let next = sqlx::query_scalar!(
        r#"SELECT min(look_at) AS "next: SqlTime" FROM dispatch.orders WHERE org_id = $1 AND state = 'waiting' AND look_at > $2"#,
        org.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(next.map(SqlTime::to_jiff))
}

/// Orders for which nobody was found are due now: there may be somebody.
pub async fn wake(tx: &mut Tx) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!(
        "UPDATE dispatch.orders SET look_at = $2
          WHERE org_id = $1 AND state = 'waiting' AND decision_id IS NOT NULL AND look_at > $2",
        org.uuid(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes a locked one.
pub async fn update(tx: &mut Tx, order: &Known) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE dispatch.orders
            SET version = $3, status = $4, driver_id = $5, attempt = $6, facts = $7, state = $8, round = $9, look_at = $10,
                waiting_since = $11, decision_id = $12, proposals = $13
          WHERE org_id = $1 AND order_id = $2",
        org.uuid(),
        order.order_id.uuid(),
        order.version,
        order.status.as_str(),
        order.driver_id.map(DriverId::uuid),
        i32::from(order.attempt),
        Json(&order.facts) as _,
        order.state.as_str(),
        i32::from(order.round),
        order.look_at.to_sqlx() as _,
        order.waiting_since.to_sqlx() as _,
        order.decision_id.map(DecisionId::uuid),
        order.proposals,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets one that is over.
pub async fn delete(tx: &mut Tx, id: OrderId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM dispatch.orders WHERE org_id = $1 AND order_id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Organisations in which something is due.
pub async fn organizations_due(tx: &mut Tx, now: Timestamp) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_scalar!(r#"SELECT dispatch.organizations_due($1) AS "org!""#, now.to_sqlx() as _)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows)
}

/// How many orders are in each state of the queue, and how long the oldest has waited, over all organisations.
pub async fn depth(tx: &mut Tx, now: Timestamp) -> Result<Vec<(String, i64, f64)>> {
    let rows = sqlx::query!(
        r#"SELECT state AS "state!", orders AS "orders!", oldest_s AS "oldest_s!" FROM dispatch.queue($1)"#,
        now.to_sqlx() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.orders, row.oldest_s)).collect())
}
