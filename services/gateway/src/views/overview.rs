//! `GET /api/v1/overview`: how the day stands.

use std::collections::BTreeMap;

use axum::Extension;
use axum::response::Response;
use futures::join;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Query;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Ref, Schema};

use super::exceptions::{self, Order, OverviewException, Queued, Working};
use super::parts::{Parts, has_more, items, many, one, read};
use super::stats::{OrdersByStatus, SinceQuery, by_status, targets};
use super::{PATIENCE, Time, answer};
use crate::call::{Answer, Visitor};

/// Orders that a driver has.
const CARRIED: &str =
    "assigned,enroute_to_pickup,arrived_at_pickup,picked_up,enroute_to_dropoff,arrived_at_dropoff,returning";

/// An order that a driver has.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "order_01h455vb4pex5vsknk084sn02q", "number": "A-042", "status": "picked_up", "until": "2026-11-20T12:45:00Z"
}))]
pub(super) struct OverviewOrder {
    /// The order.
    id: String,
    /// What people call it.
    number: String,
    /// Where it stands.
    status: String,
    /// Until when it should be dropped off.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

fn driver() -> Ref {
    Ref::from_schema_name("DriverView")
}

fn position() -> Schema {
    one("DriverPosition", "Where the driver was last seen, within the last hour.")
}

fn queue() -> Schema {
    many("QueuedOrder", "The first 100 orders that nobody has; null while dispatch is away.")
}

/// A driver, where they are and what they have.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct OverviewDriver {
    #[schema(schema_with = driver)]
    driver: Value,
    #[schema(schema_with = position)]
    position: Option<Value>,
    /// What the driver has, by when it is due.
    orders: Vec<OverviewOrder>,
}

/// How the day stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-11-20T12:00:00Z", "since": "2026-11-20T00:00:00Z",
    "orders": { "open": { "created": 1 }, "placed": { "created": 1, "delivered": 41 } },
    "exceptions": [{ "kind": "waiting", "order_id": "order_01h455vb4pex5vsknk084sn02q", "number": "A-042", "since": "2026-11-20T11:48:00Z" }],
    "drivers": [],
    "queue": [{ "order_id": "order_01h455vb4pex5vsknk084sn02q", "number": "A-042", "state": "waiting", "round": 0,
                "waiting_since": "2026-11-20T11:48:00Z", "looked_at_next": "2026-11-20T12:00:15Z" }],
    "more": [], "unavailable": []
}))]
pub(super) struct Overview {
    /// When this was so.
    at: Timestamp,
    /// When the day began.
    since: Timestamp,
    /// Orders by status.
    orders: OrdersByStatus,
    /// What somebody should look at, the oldest first. What is known by a service that is away is not among it.
    exceptions: Vec<OverviewException>,
    /// The first 100 drivers who work here; null while drivers is away.
    drivers: Option<Vec<OverviewDriver>>,
    #[schema(schema_with = queue)]
    queue: Option<Value>,
    /// Parts of which there is more than was looked at: `orders`, `drivers`, `queue`. Their own lists have it all.
    more: Vec<&'static str>,
    /// Services that did not answer: what they know is null or missing.
    unavailable: Vec<&'static str>,
}

/// How the day stands: counts, what somebody should look at, drivers with positions, and open work, in one answer.
#[utoipa::path(
    get, path = "/api/v1/overview", operation_id = "get_overview", tag = "views", params(SinceQuery),
    responses((status = 200, description = "How it stands.", body = Overview))
)]
pub(super) async fn get_overview(
    Extension(time): Extension<Time>,
    visitor: Visitor,
    Query(query): Query<SinceQuery>,
) -> Result<Response> {
    let since = query.since(&time)?;
    Ok(answer(&Box::pin(compose(&visitor, since, time.now())).await?))
}

/// How the day stands since this moment.
pub(super) async fn compose(visitor: &Visitor, since: Timestamp, now: Timestamp) -> Result<Box<Overview>> {
    let found = Found::ask(&visitor.clone().within(PATIENCE), since).await;
    Ok(Box::new(found.view(since, now)?))
}

/// What the services answered.
struct Found {
    open: Result<Answer>,
    placed: Result<Answer>,
    carried: Result<Answer>,
    failed: Result<Answer>,
    drivers: Result<Answer>,
    positions: Result<Answer>,
    queue: Result<Answer>,
}

/// What is looked at in a driver.
#[derive(Deserialize)]
struct DriverSeen {
    id: String,
    availability: String,
    availability_since: Timestamp,
}

impl Found {
    async fn ask(visitor: &Visitor, since: Timestamp) -> Self {
        let (open, placed) = targets(since);
        let carried = format!("/api/v1/orders?status={CARRIED}&limit=200");
        let failed = format!("/api/v1/orders?status=failed&from={since}&limit=100");
        let (open, placed, carried, failed, drivers, positions, queue) = join!(
            visitor.get(&open),
            visitor.get(&placed),
            visitor.get(&carried),
            visitor.get(&failed),
            visitor.get("/api/v1/drivers?active=true&limit=100"),
            visitor.get("/api/v1/locations?limit=200"),
            visitor.get("/api/v1/dispatch/queue?limit=100"),
        );
        Self { open, placed, carried, failed, drivers, positions, queue }
    }

    fn view(self, since: Timestamp, now: Timestamp) -> Result<Overview> {
        let orders = by_status(self.open, self.placed)?;
        let (carried, failed) = (Parts::main("orders", self.carried)?, Parts::main("orders", self.failed)?);
        let mut parts = Parts::default();
        let drivers = parts.take("drivers", self.drivers);
        let positions = parts.take("tracking", self.positions);
        let queue = parts.take("dispatch", self.queue);

        let mut all: Vec<Order> = Vec::new();
        for order in items(&carried).iter().chain(items(&failed)) {
            let order: Order = read(order)?;
            // It may have moved from one list to the other in between.
            if !all.iter().any(|known| known.id == order.id) {
                all.push(order);
            }
        }
        let seen = by_driver(positions.as_ref());
        let mut working = Vec::new();
        for driver in drivers.as_ref().map(items).unwrap_or_default() {
            let DriverSeen { id, availability, availability_since } = read(driver)?;
            let position = seen.get(id.as_str()).map(|position| read(&position["at"])).transpose()?;
            working.push(Working { id, availability, availability_since, seen: position });
        }
        // Without tracking nobody knows who was seen when.
        let looked_at = if positions.is_some() { working.as_slice() } else { &[] };
        let queued: Vec<Queued> = queue.as_ref().map(read_items).transpose()?.unwrap_or_default();
        let exceptions = exceptions::find(&all, &queued, looked_at, now);
        let full = |page: Option<&Value>| page.is_some_and(has_more);
        let pages = [
            ("orders", full(Some(&carried)) || full(Some(&failed))),
            ("drivers", full(drivers.as_ref())),
            ("queue", full(queue.as_ref())),
        ];
        let more = pages.into_iter().filter(|(_, more)| *more).map(|(name, _)| name).collect();
        let drivers = drivers.as_ref().map(|page| with_orders(items(page), &seen, &all));
        let queue = queue.map(|mut page| page["items"].take());
        let unavailable = parts.unavailable();
        Ok(Overview { at: now, since, orders, exceptions, drivers, queue, more, unavailable })
    }
}

fn read_items(page: &Value) -> Result<Vec<Queued>> {
    items(page).iter().map(read).collect()
}

fn by_driver(positions: Option<&Value>) -> BTreeMap<&str, &Value> {
    let positions = positions.map(items).unwrap_or_default();
    positions.iter().filter_map(|position| Some((position["driver_id"].as_str()?, position))).collect()
}

/// Drivers with their positions and what they have.
fn with_orders(drivers: &[Value], seen: &BTreeMap<&str, &Value>, orders: &[Order]) -> Vec<OverviewDriver> {
    let view = |driver: &Value| {
        let id = driver["id"].as_str().unwrap_or_default();
        let own =
            orders.iter().filter(|order| order.driver_id.as_deref() == Some(id) && order.status != "failed");
        let mut orders: Vec<OverviewOrder> = own
            .map(|order| OverviewOrder {
                id: order.id.clone(),
                number: order.number.clone(),
                status: order.status.clone(),
                until: order.until(),
            })
            .collect();
        orders.sort_by_key(|order| (order.until.is_none(), order.until));
        OverviewDriver { driver: driver.clone(), position: seen.get(id).map(|at| (*at).clone()), orders }
    };
    drivers.iter().map(view).collect()
}
