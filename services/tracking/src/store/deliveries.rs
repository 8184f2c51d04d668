//! Orders as their events tell, with what tracking found out.

use contracts::orders::{OrderFacts, OrderStatus};
use contracts::tracking::EtaWindow;
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DriverId, OrderId, OrgId, Uuid};
use kernel::time::Timestamp;
use platform::db::{Locked, Tx};
use platform::{Error, Result};
use serde_json::Value;

use crate::domain::delivery::{Delivery, Near};
use crate::domain::secret;
use crate::domain::timeline::Stop;

struct Row {
    id: Uuid,
    version: i64,
    status: String,
    status_at: SqlTime,
    driver_id: Option<Uuid>,
    attempt: i32,
    called_off: bool,
    facts: Value,
    ended_at: Option<SqlTime>,
    confirmed_at: Option<SqlTime>,
    updates: i64,
    eta: Option<Value>,
    eta_at: Option<SqlTime>,
    eta_told: Option<SqlTime>,
    eta_count: i64,
    delayed_until: Option<SqlTime>,
    delayed_count: i64,
    arriving_attempt: Option<i32>,
    near_stop: Option<String>,
    near_fixes: i16,
    near_at: Option<SqlTime>,
    arrived_stop: Option<String>,
    arrived_attempt: Option<i32>,
    left_stop: Option<String>,
    left_attempt: Option<i32>,
}

impl Row {
    fn read(self) -> Result<Delivery> {
        let facts: OrderFacts = serde_json::from_value(self.facts)?;
        let eta: Option<EtaWindow> = self.eta.map(serde_json::from_value).transpose()?;
        let attempt = |number: i32| u16::try_from(number).map_err(Error::internal);
        let stop = |word: Option<String>| word.as_deref().and_then(Stop::parse);
        let marked = |word, number: Option<i32>| -> Result<Option<(Stop, u16)>> {
            Ok(stop(word).zip(number.map(attempt).transpose()?))
        };
        Ok(Delivery {
            order_id: OrderId::new(self.id),
            version: self.version,
            status: OrderStatus::parse(&self.status).ok_or_else(|| Error::internal("an unknown status"))?,
            status_at: self.status_at.to_jiff(),
            driver_id: self.driver_id.map(DriverId::new),
            attempt: attempt(self.attempt)?,
            called_off: self.called_off,
            facts,
            ended_at: super::time(self.ended_at),
            confirmed_at: super::time(self.confirmed_at),
            updates: self.updates,
            eta,
            eta_at: super::time(self.eta_at),
            eta_told: super::time(self.eta_told),
            eta_count: self.eta_count,
            delayed_until: super::time(self.delayed_until),
            delayed_count: self.delayed_count,
            arriving_attempt: self.arriving_attempt.map(attempt).transpose()?,
            near: Near { stop: stop(self.near_stop), fixes: self.near_fixes, at: super::time(self.near_at) },
            arrived: marked(self.arrived_stop, self.arrived_attempt)?,
            left: marked(self.left_stop, self.left_attempt)?,
        })
    }
}

/// Adds an order, unless it is known.
pub async fn insert(tx: &mut Tx, delivery: &Delivery) -> Result<bool> {
    let org = tx.org()?;
    let done = sqlx::query!(
        "INSERT INTO tracking.orders (org_id, id, version, status, status_at, attempt, facts, code_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (org_id, id) DO NOTHING",
        org.uuid(),
        delivery.order_id.uuid(),
        delivery.version,
        delivery.status.as_str(),
        delivery.status_at.to_sqlx() as _,
        i32::from(delivery.attempt),
        serde_json::to_value(&delivery.facts)?,
        secret::hash_of_code(&delivery.facts.tracking_code),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// An order.
pub async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<Delivery>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, status, status_at AS "status_at: SqlTime", driver_id, attempt, called_off, facts,
                  ended_at AS "ended_at: SqlTime", confirmed_at AS "confirmed_at: SqlTime", updates, eta,
                  eta_at AS "eta_at: SqlTime", eta_told AS "eta_told: SqlTime", eta_count,
                  delayed_until AS "delayed_until: SqlTime", delayed_count, arriving_attempt, near_stop, near_fixes,
                  near_at AS "near_at: SqlTime", arrived_stop, arrived_attempt, left_stop, left_attempt
             FROM tracking.orders WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn()).await?;
    row.map(Row::read).transpose()
}

/// An order, locked.
pub async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<Delivery>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, status, status_at AS "status_at: SqlTime", driver_id, attempt, called_off, facts,
                  ended_at AS "ended_at: SqlTime", confirmed_at AS "confirmed_at: SqlTime", updates, eta,
                  eta_at AS "eta_at: SqlTime", eta_told AS "eta_told: SqlTime", eta_count,
                  delayed_until AS "delayed_until: SqlTime", delayed_count, arriving_attempt, near_stop, near_fixes,
                  near_at AS "near_at: SqlTime", arrived_stop, arrived_attempt, left_stop, left_attempt
             FROM tracking.orders WHERE org_id = $1 AND id = $2 FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn()).await?;
    row.map(Row::read).transpose()
}

/// What a driver has, in the order of the ids.
pub async fn of_driver(tx: &mut Tx, driver: DriverId) -> Result<Vec<Delivery>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, status, status_at AS "status_at: SqlTime", driver_id, attempt, called_off, facts,
                  ended_at AS "ended_at: SqlTime", confirmed_at AS "confirmed_at: SqlTime", updates, eta,
                  eta_at AS "eta_at: SqlTime", eta_told AS "eta_told: SqlTime", eta_count,
                  delayed_until AS "delayed_until: SqlTime", delayed_count, arriving_attempt, near_stop, near_fixes,
                  near_at AS "near_at: SqlTime", arrived_stop, arrived_attempt, left_stop, left_attempt
             FROM tracking.orders WHERE org_id = $1 AND driver_id = $2 AND ended_at IS NULL ORDER BY id"#,
        org.uuid(),
        driver.uuid(),
    )
    .fetch_all(tx.conn())
        .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Those of these drivers who have anything to do.
pub async fn busy(tx: &mut Tx, drivers: &[DriverId]) -> Result<Vec<DriverId>> {
    let org = tx.org()?;
    let drivers: Vec<Uuid> = drivers.iter().map(|id| id.uuid()).collect();
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT driver_id AS "id!" FROM tracking.orders
            WHERE org_id = $1 AND driver_id = ANY ($2) AND ended_at IS NULL"#,
        org.uuid(),
        &drivers,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(DriverId::new).collect())
}

/// The order with this code, in whatever organisation.
pub async fn locate(tx: &mut Tx, code: &str) -> Result<Option<(OrgId, OrderId)>> {
    let row = sqlx::query!(
        r#"SELECT org_id AS "org_id!", id AS "id!" FROM tracking.find_order($1)"#,
        secret::hash_of_code(code),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (OrgId::new(row.org_id), OrderId::new(row.id))))
}

/// Writes a locked delivery.
pub async fn save(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    let org = tx.org()?;
    let sql = |at: Option<Timestamp>| at.map(ToSqlx::to_sqlx);
    sqlx::query!(
        "UPDATE tracking.orders
            SET version = $3, status = $4, status_at = $5, driver_id = $6, attempt = $7, called_off = $8, facts = $9,
                code_hash = $10, ended_at = $11, confirmed_at = $12, updates = $13, eta = $14, eta_at = $15,
                eta_told = $16, eta_count = $17, delayed_until = $18, delayed_count = $19, arriving_attempt = $20,
                near_stop = $21, near_fixes = $22, near_at = $23, arrived_stop = $24, arrived_attempt = $25,
                left_stop = $26, left_attempt = $27
          WHERE org_id = $1 AND id = $2",
        org.uuid(),
        delivery.order_id.uuid(),
        delivery.version,
        delivery.status.as_str(),
        delivery.status_at.to_sqlx() as _,
        delivery.driver_id.map(DriverId::uuid),
        i32::from(delivery.attempt),
        delivery.called_off,
        serde_json::to_value(&delivery.facts)?,
        secret::hash_of_code(&delivery.facts.tracking_code),
        sql(delivery.ended_at) as _,
        sql(delivery.confirmed_at) as _,
        delivery.updates,
        delivery.eta.as_ref().map(serde_json::to_value).transpose()?,
        sql(delivery.eta_at) as _,
        sql(delivery.eta_told) as _,
        delivery.eta_count,
        sql(delivery.delayed_until) as _,
        delivery.delayed_count,
        delivery.arriving_attempt.map(i32::from),
        delivery.near.stop.map(Stop::as_str),
        delivery.near.fixes,
        sql(delivery.near.at) as _,
        delivery.arrived.map(|(stop, _)| stop.as_str()),
        delivery.arrived.map(|(_, attempt)| i32::from(attempt)),
        delivery.left.map(|(stop, _)| stop.as_str()),
        delivery.left.map(|(_, attempt)| i32::from(attempt)),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// States that the delivery's row is locked, for an event of this version.
pub fn locked(delivery: &Delivery, version: i64) -> Locked {
    Locked::new(delivery.order_id, version)
}
