//! Questions to drivers.

use std::collections::{BTreeMap, BTreeSet};

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DecisionId, DriverId, OfferId, OrderId, Uuid};
use kernel::time::Timestamp;
use platform::db::{Locked, Tx};
use platform::{Error, Result};

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    /// Waits for an answer.
    Open,
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// No answer in time.
    Expired,
    /// Somebody else was first, or the order is not open any more.
    Withdrawn,
}

impl OfferState {
    const ALL: [Self; 5] = [Self::Open, Self::Accepted, Self::Declined, Self::Expired, Self::Withdrawn];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Offer {
    /// Which.
    pub id: OfferId,
    /// Its version.
    pub version: i64,
    /// What is offered.
    pub order_id: OrderId,
    /// Which attempt of it.
    pub attempt: u16,
    /// Who is asked.
    pub driver_id: DriverId,
    /// By which decision.
    pub decision_id: DecisionId,
    /// What became of it.
    pub state: OfferState,
    /// Why the driver declined.
    pub reason: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it may be accepted.
    pub expires_at: Timestamp,
}

struct Row {
    id: Uuid,
    version: i64,
    order_id: Uuid,
    attempt: i32,
    driver_id: Uuid,
    decision_id: Uuid,
    state: String,
    reason: Option<String>,
    made_at: SqlTime,
    expires_at: SqlTime,
}

impl TryFrom<Row> for Offer {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let state = OfferState::ALL.into_iter().find(|state| state.as_str() == row.state);
        Ok(Self {
            id: OfferId::new(row.id),
            version: row.version,
            order_id: OrderId::new(row.order_id),
            attempt: u16::try_from(row.attempt).map_err(Error::internal)?,
            driver_id: DriverId::new(row.driver_id),
            decision_id: DecisionId::new(row.decision_id),
            state: state.ok_or_else(|| Error::internal("dispatch.offers: state"))?,
            reason: row.reason,
            made_at: row.made_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
        })
    }
}

/// Asks.
pub async fn insert(tx: &mut Tx, offer: &Offer) -> Result<Locked> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO dispatch.offers (org_id, id, order_id, attempt, driver_id, decision_id, state, made_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8)",
        org.uuid(),
        offer.id.uuid(),
        offer.order_id.uuid(),
        i32::from(offer.attempt),
        offer.driver_id.uuid(),
        offer.decision_id.uuid(),
        offer.made_at.to_sqlx() as _,
        offer.expires_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(Locked::new(offer.id, 1))
}

/// Reads one.
pub async fn find(tx: &mut Tx, id: OfferId) -> Result<Option<Offer>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, order_id, attempt, driver_id, decision_id, state, reason, made_at AS "made_at: SqlTime",
                  expires_at AS "expires_at: SqlTime"
             FROM dispatch.offers WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Offer::try_from).transpose()
}

/// Reads and locks one. Lock its order first: everybody does so in this order.
pub async fn lock(tx: &mut Tx, id: OfferId) -> Result<Option<Offer>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, order_id, attempt, driver_id, decision_id, state, reason, made_at AS "made_at: SqlTime",
                  expires_at AS "expires_at: SqlTime"
             FROM dispatch.offers WHERE org_id = $1 AND id = $2 FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Offer::try_from).transpose()
}

/// Which offers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of one driver.
    pub driver: Option<DriverId>,
    /// About one order.
    pub order: Option<OrderId>,
    /// Only those that wait for an answer.
    pub open: bool,
}

/// Offers, newest first.
pub async fn list(tx: &mut Tx, filter: Filter, before: Option<Uuid>, limit: i64) -> Result<Vec<Offer>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, order_id, attempt, driver_id, decision_id, state, reason, made_at AS "made_at: SqlTime",
                  expires_at AS "expires_at: SqlTime"
             FROM dispatch.offers
            WHERE org_id = $1 AND ($2::uuid IS NULL OR driver_id = $2) AND ($3::uuid IS NULL OR order_id = $3)
              AND (NOT $4 OR state = 'open') AND ($5::uuid IS NULL OR id < $5)
            ORDER BY id DESC LIMIT $6"#,
        org.uuid(),
        filter.driver.map(DriverId::uuid),
        filter.order.map(OrderId::uuid),
        filter.open,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Offer::try_from).collect()
}

/// Writes the answer of a locked one.
pub async fn answer(tx: &mut Tx, id: OfferId, state: OfferState, reason: Option<&str>) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE dispatch.offers SET state = $3, reason = $4, answered_at = $5, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        id.uuid(),
        state.as_str(),
        reason,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(id, version))
}

/// Takes back what is still open about an order; how many.
pub async fn withdraw(tx: &mut Tx, order: OrderId) -> Result<u64> {
    let (org, now) = (tx.org()?, tx.now());
    let done = sqlx::query!(
        "UPDATE dispatch.offers SET state = 'withdrawn', answered_at = $3, version = version + 1
          WHERE org_id = $1 AND order_id = $2 AND state = 'open'",
        org.uuid(),
        order.uuid(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// How many are open about an order.
pub async fn open_about(tx: &mut Tx, order: OrderId) -> Result<i64> {
    let org = tx.org()?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM dispatch.offers WHERE org_id = $1 AND order_id = $2 AND state = 'open'"#,
        org.uuid(),
        order.uuid(),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Who declined each of these orders in its present attempt, or did not answer.
pub async fn refused(
    tx: &mut Tx,
    orders: &[(OrderId, u16)],
) -> Result<BTreeMap<OrderId, BTreeSet<DriverId>>> {
    let org = tx.org()?;
    let ids: Vec<Uuid> = orders.iter().map(|(id, _)| id.uuid()).collect();
    let attempts: Vec<i32> = orders.iter().map(|(_, attempt)| i32::from(*attempt)).collect();
    let rows = sqlx::query!(
        "SELECT o.order_id, o.driver_id FROM dispatch.offers o
           JOIN unnest($2::uuid[], $3::int[]) AS asked (order_id, attempt)
             ON asked.order_id = o.order_id AND asked.attempt = o.attempt
          WHERE o.org_id = $1 AND o.state IN ('declined', 'expired')",
        org.uuid(),
        &ids,
        &attempts,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut refused: BTreeMap<OrderId, BTreeSet<DriverId>> = BTreeMap::new();
    for row in rows {
        refused.entry(OrderId::new(row.order_id)).or_default().insert(DriverId::new(row.driver_id));
    }
    Ok(refused)
}

/// What each driver is being asked about.
pub async fn open_by_driver(tx: &mut Tx) -> Result<Vec<(DriverId, OrderId)>> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        "SELECT driver_id, order_id FROM dispatch.offers WHERE org_id = $1 AND state = 'open'",
        org.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (DriverId::new(row.driver_id), OrderId::new(row.order_id))).collect())
}
