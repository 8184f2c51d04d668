//! `GET /api/v1/drivers/me/day`: what a driver's app shows first.

use std::collections::BTreeMap;

use axum::Extension;
use axum::response::Response;
use futures::join;
use kernel::time::{SignedDuration, Timestamp};
use platform::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Ref, Schema};

use super::parts::{Parts, items, many, one};
use super::{PATIENCE, Time, answer};
use crate::call::{Answer, Visitor};

/// Orders that a driver works with.
const CARRIED: &str = "assigned,enroute_to_pickup,arrived_at_pickup,picked_up,enroute_to_dropoff,arrived_at_dropoff,failed,returning";
/// How far shifts are looked ahead, and back: one that has just ended explains why nothing comes.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
const BACK: SignedDuration = SignedDuration::from_hours(2);

fn driver() -> Ref {
    Ref::from_schema_name("DriverView")
}

fn shifts() -> Schema {
    many("ShiftView", "Shifts that are, or begin within 24 hours, the earliest first.")
}

fn offers() -> Schema {
    many("OfferView", "Offers that wait for an answer, the newest first; null while dispatch is away.")
}

fn unrouted() -> Schema {
    many("OrderView", "Orders that the driver has and that are in no route (yet); null while orders is away.")
}

fn order() -> Schema {
    one("OrderView", "The order; null while orders is away.")
}

fn place() -> Schema {
    one("OrderStop", "Where it is, who is there and what to know; null while orders is away.")
}

fn proof() -> Schema {
    one("ProofWanted", "What the order asks for as proof here; null while orders is away.")
}

/// A stop with what is needed there.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct DayStop {
    /// The stop.
    #[schema(example = "stop_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// The order.
    #[schema(example = "order_01h455vb4pex5vsknk084sn02q")]
    order_id: String,
    /// `pickup`, `dropoff` or `return`.
    #[schema(example = "dropoff")]
    kind: String,
    /// Steps of the order that can follow.
    #[schema(example = json!(["arrived_at_dropoff", "failed"]))]
    allowed: Vec<String>,
    #[schema(schema_with = place)]
    place: Option<Value>,
    #[schema(schema_with = proof)]
    proof: Option<Value>,
    #[schema(schema_with = order)]
    order: Option<Value>,
}

/// A route with what is needed at its stops.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct DayRoute {
    /// The route.
    #[schema(example = "route_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// For `If-Match`.
    #[schema(example = 3)]
    version: i64,
    /// What is still to be made, in this order.
    stops: Vec<DayStop>,
}

/// A driver's day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-11-20T12:00:00Z",
    "driver": { "id": "driver_01h455vb4pex5vsknk084sn02q", "availability": "available" },
    "shifts": [],
    "route": { "id": "route_01h455vb4pex5vsknk084sn02q", "version": 3, "stops": [{
        "id": "stop_01h455vb4pex5vsknk084sn02q", "order_id": "order_01h455vb4pex5vsknk084sn02q", "kind": "dropoff",
        "allowed": ["arrived_at_dropoff", "failed"], "place": { "street": "Hämeentie 1", "postcode": "00530", "city": "Helsinki" },
        "proof": { "photo": "required" }, "order": null
    }] },
    "unrouted": [], "offers": [], "unavailable": []
}))]
pub(super) struct DriverDay {
    /// When this was so.
    at: Timestamp,
    #[schema(schema_with = driver)]
    driver: Value,
    #[schema(schema_with = shifts)]
    shifts: Option<Value>,
    /// The route; null when there is none, and while dispatch is away.
    route: Option<DayRoute>,
    #[schema(schema_with = unrouted)]
    unrouted: Option<Vec<Value>>,
    #[schema(schema_with = offers)]
    offers: Option<Value>,
    /// Services that did not answer: what they know is null.
    unavailable: Vec<&'static str>,
}

/// The signed-in driver's day in one answer: profile, shifts, the route with what is needed at each stop, open offers.
#[utoipa::path(
    get, path = "/api/v1/drivers/me/day", operation_id = "get_driver_day", tag = "views",
    responses((status = 200, description = "The day.", body = DriverDay),
              (status = 404, description = "The caller is no driver here."))
)]
pub(super) async fn get_driver_day(Extension(time): Extension<Time>, visitor: Visitor) -> Result<Response> {
    Ok(answer(&Box::pin(compose(&visitor, time.now())).await?))
}

/// The day as it is now.
pub(super) async fn compose(visitor: &Visitor, now: Timestamp) -> Result<Box<DriverDay>> {
    let visitor = visitor.clone().within(PATIENCE);
    let from = now.checked_sub(BACK).map_err(Error::internal)?;
    let until = now.checked_add(AHEAD).map_err(Error::internal)?;
    let shifts = format!("/api/v1/shifts?from={from}&until={until}&limit=20");
    let orders = format!("/api/v1/orders?status={CARRIED}&limit=200");
    let (driver, shifts, routes, orders, offers) = join!(
        visitor.get("/api/v1/drivers/me"),
        visitor.get(&shifts),
        visitor.get("/api/v1/routes?limit=1"),
        visitor.get(&orders),
        visitor.get("/api/v1/offers?open=true&limit=50"),
    );
    let driver = Parts::main("drivers", driver)?;
    let mut parts = Parts::default();
    let shifts = parts.take("drivers", shifts).map(|mut page| page["items"].take());
    let (route, unrouted) = work(&mut parts, routes, orders);
    let offers = parts.take("dispatch", offers).map(|mut page| page["items"].take());
    let unavailable = parts.unavailable();
    Ok(Box::new(DriverDay { at: now, driver, shifts, route, unrouted, offers, unavailable }))
}

/// The route with its orders, and the orders that are in none.
fn work(
    parts: &mut Parts,
    routes: Result<Answer>,
    orders: Result<Answer>,
) -> (Option<DayRoute>, Option<Vec<Value>>) {
    let routes = parts.take("dispatch", routes);
    let orders = parts.take("orders", orders);
    let known: Option<BTreeMap<&str, &Value>> = orders
        .as_ref()
        .map(|page| items(page).iter().filter_map(|order| Some((order["id"].as_str()?, order))).collect());
    let route =
        routes.as_ref().and_then(|page| items(page).first()).map(|route| joined(route, known.as_ref()));
    let in_route = |order: &Value| {
        let stops = route.iter().flat_map(|route| &route.stops);
        stops.into_iter().any(|stop| order["id"] == stop.order_id.as_str())
    };
    // What has failed for good is in no route, and nothing can follow.
    let to_do = |order: &&&Value| order["allowed"].as_array().is_some_and(|steps| !steps.is_empty());
    let unrouted = known.map(|known| {
        let open = known.values().filter(to_do).filter(|order| !in_route(order));
        open.map(|order| (*order).clone()).collect()
    });
    (route, unrouted)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn joined(route: &Value, orders: Option<&BTreeMap<&str, &Value>>) -> DayRoute {
    let stops = route["stops"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stops = stops.iter().map(|stop| {
        let order = orders.and_then(|orders| orders.get(stop["order_id"].as_str()?).copied());
        let kind = text(&stop["kind"]);
        // What comes back goes to where it was picked up.
        let place = if kind == "dropoff" { "dropoff" } else { "pickup" };
        let part = |value: &Value| (!value.is_null()).then(|| value.clone());
        let allowed = order.and_then(|order| order["allowed"].as_array());
        DayStop {
            id: text(&stop["id"]),
            order_id: text(&stop["order_id"]),
            allowed: allowed.into_iter().flatten().map(text).collect(),
            place: order.and_then(|order| part(&order[place])),
            proof: order.and_then(|order| part(&order["proof"][&kind])),
            order: order.cloned(),
            kind,
        }
    });
    DayRoute {
        id: text(&route["id"]),
        version: route["version"].as_i64().unwrap_or(0),
        stops: stops.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(id: &str, allowed: &[&str]) -> Value {
        json!({ "id": id, "allowed": allowed, "pickup": { "street": "Shop" }, "dropoff": { "street": "Door" },
                "proof": { "pickup": { "photo": "off" }, "dropoff": { "photo": "required" }, "return": { "notes": "warn" } } })
    }

    fn stop(order: &str, kind: &str) -> Value {
        json!({ "id": format!("stop_{order}{kind}"), "order_id": order, "kind": kind, "locked": false })
    }

    fn page(items: &Value) -> Answer {
        Answer::of(200, json!({ "items": items }))
    }

    #[test]
    fn each_stop_has_what_is_needed_there() {
        let route = json!([{ "id": "route_1", "version": 3, "stops": [stop("a", "pickup"), stop("a", "dropoff"), stop("b", "return")] }]);
        let orders = json!([
            order("a", &["picked_up"]),
            order("b", &["returned"]),
            order("c", &["enroute_to_pickup"]),
            order("d", &[])
        ]);
        let mut parts = Parts::default();
        let (route, unrouted) = work(&mut parts, Ok(page(&route)), Ok(page(&orders)));
        let stops: Vec<Value> = route
            .unwrap()
            .stops
            .iter()
            .map(|stop| json!([stop.kind, stop.place.clone().unwrap()["street"], stop.proof, stop.allowed]))
            .collect();
        assert_eq!(
            stops,
            [
                json!(["pickup", "Shop", { "photo": "off" }, ["picked_up"]]),
                json!(["dropoff", "Door", { "photo": "required" }, ["picked_up"]]),
                json!(["return", "Shop", { "notes": "warn" }, ["returned"]]),
            ]
        );
        let unrouted: Vec<Value> = unrouted.unwrap().iter().map(|order| order["id"].clone()).collect();
        assert_eq!(unrouted, ["c"], "in no route, and something to do");
        assert!(parts.unavailable().is_empty());
    }

    #[test]
    fn a_route_without_orders_and_orders_without_a_route_are_shown() {
        let away = || Err(Error::unavailable("service"));
        let mut parts = Parts::default();
        let route = json!([{ "id": "route_1", "version": 3, "stops": [stop("a", "pickup")] }]);
        let (seen, unrouted) = work(&mut parts, Ok(page(&route)), away());
        assert_eq!((seen.unwrap().stops[0].order.clone(), unrouted), (None, None));
        let (seen, unrouted) = work(&mut parts, away(), Ok(page(&json!([order("a", &["picked_up"])]))));
        assert_eq!((seen, unrouted.unwrap().len()), (None, 1));
        assert_eq!(parts.unavailable(), ["dispatch", "orders"]);
    }
}
