//! Orders: the list with its filters, one, its summary, its history.

use contracts::orders::OrderStatus;
use jiff_sqlx::ToSqlx as _;
use kernel::ids::{CustomerId, DriverId, OrderId, ShopId, Uuid};
use kernel::time::Timestamp;
use platform::db::{Scope, Tx};
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

use crate::context::{Orders, Viewer};
use crate::entities::{Order, OrderEvent};
use crate::error::no_order;
use crate::store::terms::{self, Term};
use crate::store::{events, orders, stops};

/// What is looked for; everything has to fit.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Stands at one of these; none: anywhere.
    pub statuses: Vec<OrderStatus>,
    /// Has it.
    pub driver: Option<DriverId>,
    /// Receives it.
    pub customer: Option<CustomerId>,
    /// Sold it.
    pub shop: Option<ShopId>,
    /// Placed then or later.
    pub from: Option<Timestamp>,
    /// Placed before.
    pub until: Option<Timestamp>,
    /// Is called so.
    pub number: Option<String>,
    /// A stop's street begins so.
    pub street: Option<String>,
    /// A stop's city.
    pub city: Option<String>,
    /// Bears it.
    pub tag: Option<String>,
    /// Key and value.
    pub metadata: Option<(String, String)>,
    /// Whole, or the last four digits.
    pub phone: Option<String>,
    /// A word of a name, or three letters of its beginning.
    pub name: Option<String>,
}

type Query = QueryBuilder<Postgres>;

impl Search {
    pub(super) fn columns(&self, query: &mut Query) {
        if !self.statuses.is_empty() {
            let words: Vec<String> = self.statuses.iter().map(|one| one.as_str().to_owned()).collect();
            query.push(" AND o.status = ANY (").push_bind(words).push(")");
        }
        equals(query, "driver_id", self.driver.map(DriverId::uuid));
        equals(query, "customer_id", self.customer.map(CustomerId::uuid));
        equals(query, "shop_id", self.shop.map(ShopId::uuid));
        if let Some(from) = self.from {
            query.push(" AND o.placed_at >= ").push_bind(from.to_sqlx());
        }
        if let Some(until) = self.until {
            query.push(" AND o.placed_at < ").push_bind(until.to_sqlx());
        }
        if let Some(number) = &self.number {
            query.push(" AND o.number = ").push_bind(number.clone());
        }
    }

    fn places(&self, query: &mut Query) {
        const AT_A_STOP: &str =
            " AND EXISTS (SELECT FROM orders.stops s WHERE s.org_id = o.org_id AND s.order_id = o.id AND ";
        if let Some(street) = &self.street {
            // A prefix as a range: what row security lets an index do.
            let from = terms::plain(street);
            let until = format!("{from}\u{10ffff}");
            query.push(AT_A_STOP).push("s.street_plain >= ").push_bind(from);
            query.push(" AND s.street_plain < ").push_bind(until).push(")");
        }
        if let Some(city) = &self.city {
            query.push(AT_A_STOP).push("s.city_plain = ").push_bind(terms::plain(city)).push(")");
        }
    }

    async fn terms(&self, tx: &mut Tx, context: &Orders) -> Result<Vec<Term>> {
        let mut wanted: Vec<Term> = Vec::new();
        wanted.extend(self.tag.clone().map(|tag| ("tag".to_owned(), tag)));
        wanted.extend(self.metadata.as_ref().map(|(key, value)| terms::of_metadata(key, value)));
        if self.phone.is_some() || self.name.is_some() {
            let keys = context.vault().org(tx).await?;
            wanted.extend(self.phone.as_ref().map(|phone| terms::of_phone(&keys, phone)));
            wanted.extend(self.name.as_ref().map(|name| terms::of_name(&keys, name)));
        }
        Ok(wanted)
    }
}

fn equals(query: &mut Query, column: &str, value: Option<Uuid>) {
    if let Some(value) = value {
        query.push(format!(" AND o.{column} = ")).push_bind(value);
    }
}

/// Only what the caller sees.
pub(super) fn seen(query: &mut Query, viewer: &Viewer) {
    match viewer {
        Viewer::Staff => {}
        Viewer::Driver(driver) => equals(query, "driver_id", Some(driver.uuid())),
        Viewer::Customer(label) => {
            query.push(" AND o.created_by = ").push_bind(label.clone());
        }
        Viewer::Nobody => {
            query.push(" AND false");
        }
    }
}

/// A page of orders, newest first, with what is about people.
pub async fn page(
    context: &Orders,
    scope: &Scope,
    viewer: &Viewer,
    search: &Search,
    page: &PageQuery,
) -> Result<Page<Order>> {
    let before = page.cursor.as_ref().map(Cursor::key::<(Timestamp, Uuid)>).transpose()?;
    // Not read-only: the organisation's key is made with its first use.
    let mut tx = context.db().begin(scope).await?;
    let mut query = orders::select(&tx)?;
    seen(&mut query, viewer);
    search.columns(&mut query);
    search.places(&mut query);
    for (field, term) in search.terms(&mut tx, context).await? {
        query.push(" AND EXISTS (SELECT FROM orders.terms t WHERE t.org_id = o.org_id AND t.order_id = o.id AND t.field = ");
        query.push_bind(field).push(" AND t.term = ").push_bind(term).push(")");
    }
    if let Some((at, id)) = before {
        query.push(" AND (o.placed_at, o.id) < (").push_bind(at.to_sqlx()).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY o.placed_at DESC, o.id DESC LIMIT ").push_bind(page.limit.fetch());
    let mut found = orders::fetch(&mut tx, query).await?;
    for order in &mut found {
        stops::open_both(&mut tx, context.vault(), order).await?;
    }
    tx.commit().await?;
    Page::cut(found, page.limit, |order| (order.placed_at, order.id.uuid()))
}

/// One order that the caller sees, with what is about people.
pub async fn one(context: &Orders, scope: &Scope, viewer: &Viewer, id: OrderId) -> Result<Order> {
    let mut tx = context.db().read(scope).await?;
    let order = orders::find(&mut tx, id).await?.filter(|order| viewer.sees(order));
    let mut order = order.ok_or_else(no_order)?;
    stops::open_both(&mut tx, context.vault(), &mut order).await?;
    Ok(order)
}

/// What is kept of an order: who may see it, and what they see.
#[derive(Debug, Serialize, Deserialize)]
pub struct Summary {
    driver_id: Option<DriverId>,
    created_by: String,
    /// For the `ETag`.
    pub version: i64,
    /// The view, without anything about people.
    pub body: Value,
}

/// The summary of an order that the caller sees: kept for a while, made again when it is not there.
pub async fn summary<F>(
    context: &Orders,
    scope: &Scope,
    viewer: &Viewer,
    id: OrderId,
    show: F,
) -> Result<Summary>
where
    F: Fn(&Order) -> Result<Value>,
{
    let org = scope.org.ok_or_else(Error::forbidden)?;
    let load = async {
        let mut tx = context.db().read(scope).await?;
        // Its stops stay closed: nothing about people is kept.
        let order = orders::find(&mut tx, id).await?.ok_or_else(no_order)?;
        let (driver_id, created_by) = (order.driver(), order.created_by.clone());
        let summary = Summary { driver_id, created_by, version: order.version, body: show(&order)? };
        Ok(serde_json::to_vec(&summary)?)
    };
    let kept = Box::pin(context.summary(org, id, load)).await?;
    let summary: Summary = serde_json::from_slice(&kept)?;
    let sees = viewer.sees_one(summary.driver_id, &summary.created_by);
    if sees { Ok(summary) } else { Err(no_order()) }
}

/// A page of the history of an order that the caller sees, oldest first.
pub async fn history(
    context: &Orders,
    scope: &Scope,
    viewer: &Viewer,
    id: OrderId,
    page: &PageQuery,
) -> Result<Page<OrderEvent>> {
    let after = page.cursor.as_ref().map(Cursor::key::<i32>).transpose()?.unwrap_or(0);
    let mut tx = context.db().read(scope).await?;
    let order = orders::find(&mut tx, id).await?;
    order.filter(|order| viewer.sees(order)).ok_or_else(no_order)?;
    let rows = events::list(&mut tx, context.vault(), id, after, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |event| event.seq)
}
