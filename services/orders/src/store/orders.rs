//! Orders: one row each, read with their stops and packages.

use std::collections::{BTreeSet, HashMap};

use contracts::orders::OrderStatus;
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTime, ToSqlx as _};
use kernel::ids::{CustomerId, DriverId, OrderId, ShopId, Uuid, ZoneId};
use kernel::load::Load;
use kernel::money::Money;
use platform::db::{Locked, Tx};
use platform::vault::Vault;
use platform::{Error, Result};
use serde_json::{Map, Value};
use sqlx::{Postgres, QueryBuilder};

use super::{packages, stops, terms};
use crate::domain::preparation::Preparation;
use crate::domain::status::Movement;
use crate::entities::{Order, Package, Stop};

/// What a list needs of each order's row.
const COLUMNS: &str = "o.id, o.version, o.number, o.day, o.tracking_code, o.source, o.shop_id, o.customer_id, o.zone_id,
    o.created_by, o.reference, o.status, o.driver_id, o.attempt, o.picked_up, o.preparation, o.outcome, o.failure_reason,
    o.blame, o.ready_at, o.weight_g, o.volume_ml, o.count, o.priority, o.skills, o.cash_minor, o.cash_currency, o.tags,
    o.metadata, o.proof, o.placed_at, o.updated_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    version: i64,
    number: String,
    day: SqlDate,
    tracking_code: String,
    source: String,
    shop_id: Option<Uuid>,
    customer_id: Option<Uuid>,
    zone_id: Option<Uuid>,
    created_by: String,
    reference: Option<String>,
    status: String,
    driver_id: Option<Uuid>,
    attempt: i16,
    picked_up: bool,
    preparation: String,
    outcome: Option<String>,
    failure_reason: Option<String>,
    blame: Option<String>,
    ready_at: Option<SqlTime>,
    weight_g: i64,
    volume_ml: i64,
    count: i64,
    priority: i16,
    skills: Vec<String>,
    cash_minor: Option<i64>,
    cash_currency: Option<String>,
    tags: Vec<String>,
    metadata: Value,
    proof: Value,
    placed_at: SqlTime,
    updated_at: SqlTime,
}

/// A row that contradicts itself.
fn impossible(id: Uuid, column: &str) -> Error {
    Error::internal(format!("orders.orders.{column} of {} cannot be", OrderId::new(id)))
}

impl Row {
    fn movement(&self) -> Result<Movement> {
        let status = OrderStatus::parse(&self.status).ok_or_else(|| impossible(self.id, "status"))?;
        let attempt = u16::try_from(self.attempt).map_err(Error::internal)?;
        Movement::restore(status, self.driver_id.map(DriverId::new), attempt, self.picked_up)
            .ok_or_else(|| impossible(self.id, "status"))
    }

    fn cash(&self) -> Result<Option<Money>> {
        let Some((amount, currency)) = self.cash_minor.zip(self.cash_currency.as_ref()) else {
            return Ok(None);
        };
        let currency = currency.parse().map_err(|_letters| impossible(self.id, "cash_currency"))?;
        Ok(Some(Money::new(amount, currency)))
    }

    fn with(self, pickup: Stop, dropoff: Stop, packages: Vec<Package>) -> Result<Order> {
        let movement = self.movement()?;
        let cash = self.cash()?;
        let Value::Object(metadata) = self.metadata else {
            return Err(impossible(self.id, "metadata"));
        };
        Ok(Order {
            id: OrderId::new(self.id),
            version: self.version,
            number: self.number,
            day: self.day.to_jiff(),
            tracking_code: self.tracking_code,
            source: self.source,
            shop_id: self.shop_id.map(ShopId::new),
            customer_id: self.customer_id.map(CustomerId::new),
            zone_id: self.zone_id.map(ZoneId::new),
            created_by: self.created_by,
            reference: self.reference,
            movement,
            preparation: Preparation::parse(&self.preparation)
                .ok_or_else(|| impossible(self.id, "preparation"))?,
            outcome: self.outcome,
            failure_reason: self.failure_reason,
            blame: self.blame,
            ready_at: self.ready_at.map(SqlTime::to_jiff),
            load: load(self.weight_g, self.volume_ml, self.count),
            priority: self.priority,
            skills: self.skills.into_iter().collect::<BTreeSet<_>>(),
            cash,
            tags: self.tags,
            metadata,
            proof: serde_json::from_value(self.proof)?,
            placed_at: self.placed_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
            pickup,
            dropoff,
            packages,
        })
    }
}

/// The columns of a load as one.
pub fn load(weight_g: i64, volume_ml: i64, count: i64) -> Load {
    let fits = |value| u32::try_from(value).unwrap_or(u32::MAX);
    Load { weight_g: fits(weight_g), volume_ml: fits(volume_ml), count: fits(count) }
}

/// A query over the rows of orders that is not finished: `SELECT ... WHERE o.org_id = ...`.
pub fn select(tx: &Tx) -> Result<QueryBuilder<Postgres>> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM orders.orders o WHERE o.org_id = "));
    query.push_bind(tx.org()?.uuid());
    Ok(query)
}

/// Runs such a query; the orders come in its order, their stops closed.
pub async fn fetch(tx: &mut Tx, mut query: QueryBuilder<Postgres>) -> Result<Vec<Order>> {
    let rows: Vec<Row> = query.build_query_as().fetch_all(tx.conn()).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut ends: HashMap<(Uuid, bool), Stop> = HashMap::new();
    for (order, is_pickup, stop) in stops::of_orders(tx, &ids).await? {
        ends.insert((order, is_pickup), stop);
    }
    let mut contents: HashMap<Uuid, Vec<Package>> = HashMap::new();
    for package in packages::of_orders(tx, &ids).await? {
        contents.entry(package.order_id.uuid()).or_default().push(package);
    }
    rows.into_iter()
        .map(|row| {
            let id = row.id;
            let mut end = |is_pickup| ends.remove(&(id, is_pickup)).ok_or_else(|| impossible(id, "stops"));
            let (pickup, dropoff) = (end(true)?, end(false)?);
            row.with(pickup, dropoff, contents.remove(&id).unwrap_or_default())
        })
        .collect()
}

/// Reads an order, its stops closed.
pub async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<Order>> {
    let mut query = select(tx)?;
    query.push(" AND o.id = ").push_bind(id.uuid());
    Ok(fetch(tx, query).await?.pop())
}

/// Locks an order and reads it as it is then.
pub async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<Order>> {
    let org = tx.org()?;
    let there = sqlx::query_scalar!(
        "SELECT version FROM orders.orders WHERE org_id = $1 AND id = $2 FOR UPDATE",
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    if there.is_none() {
        return Ok(None);
    }
    find(tx, id).await
}

fn attempt(order: &Order) -> Result<i16> {
    i16::try_from(order.movement.attempt()).map_err(Error::internal)
}

/// Writes a new order with its stops, packages and what it is found by.
pub async fn insert(tx: &mut Tx, vault: &Vault, order: &Order) -> Result<Locked> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO orders.orders (org_id, id, version, number, day, tracking_code, source, shop_id, customer_id, zone_id,
             created_by, reference, status, driver_id, attempt, picked_up, preparation, ready_at, weight_g, volume_ml, count,
             priority, skills, cash_minor, cash_currency, tags, metadata, proof, placed_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
                 $25, $26, $27, $28, $29, $29)",
        org.uuid(),
        order.id.uuid(),
        order.version,
        order.number,
        order.day.to_sqlx() as _,
        order.tracking_code,
        order.source,
        order.shop_id.map(ShopId::uuid),
        order.customer_id.map(CustomerId::uuid),
        order.zone_id.map(ZoneId::uuid),
        order.created_by,
        order.reference,
        order.movement.status().as_str(),
        order.driver().map(DriverId::uuid),
        attempt(order)?,
        order.movement.picked_up(),
        order.preparation.as_str(),
        order.ready_at.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        i64::from(order.load.weight_g),
        i64::from(order.load.volume_ml),
        i64::from(order.load.count),
        order.priority,
        &order.skills.iter().cloned().collect::<Vec<_>>(),
        order.cash.map(|cash| cash.amount_minor),
        order.cash.map(|cash| cash.currency.to_string()),
        &order.tags,
        Value::Object(order.metadata.clone()),
        serde_json::to_value(order.proof)?,
        order.placed_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    stops::insert(tx, vault, order.id, "pickup", &order.pickup).await?;
    stops::insert(tx, vault, order.id, "dropoff", &order.dropoff).await?;
    packages::insert(tx, &order.packages).await?;
    let words = terms::of_order(tx, vault, order).await?;
    terms::add(tx, order.id, &words).await?;
    Ok(Locked::new(order.id, order.version))
}

/// Writes where a locked order stands and how it ended; `order` is as it was, with the new movement.
pub async fn save_movement(tx: &mut Tx, order: &mut Order) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    order.version = sqlx::query_scalar!(
        "UPDATE orders.orders
            SET status = $3, driver_id = $4, attempt = $5, picked_up = $6, outcome = $7, failure_reason = $8, blame = $9,
                version = version + 1, updated_at = $10
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        order.id.uuid(),
        order.movement.status().as_str(),
        order.driver().map(DriverId::uuid),
        attempt(order)?,
        order.movement.picked_up(),
        order.outcome,
        order.failure_reason,
        order.blame,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    order.updated_at = now;
    Ok(Locked::new(order.id, order.version))
}

/// Writes everything about a locked order that is not movement.
pub async fn save_details(tx: &mut Tx, order: &mut Order) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    order.version = sqlx::query_scalar!(
        "UPDATE orders.orders
            SET zone_id = $3, reference = $4, preparation = $5, ready_at = $6, weight_g = $7, volume_ml = $8, count = $9,
                priority = $10, skills = $11, cash_minor = $12, cash_currency = $13, tags = $14, metadata = $15, proof = $16,
                version = version + 1, updated_at = $17
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        order.id.uuid(),
        order.zone_id.map(ZoneId::uuid),
        order.reference,
        order.preparation.as_str(),
        order.ready_at.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        i64::from(order.load.weight_g),
        i64::from(order.load.volume_ml),
        i64::from(order.load.count),
        order.priority,
        &order.skills.iter().cloned().collect::<Vec<_>>(),
        order.cash.map(|cash| cash.amount_minor),
        order.cash.map(|cash| cash.currency.to_string()),
        &order.tags,
        Value::Object(Map::clone(&order.metadata)),
        serde_json::to_value(order.proof)?,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    order.updated_at = now;
    Ok(Locked::new(order.id, order.version))
}
