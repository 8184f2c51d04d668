//! `GET /api/v1/orders/{id}/overview`: one order and all that is known about it.

use axum::response::Response;
use futures::future::{OptionFuture, join4};
use kernel::ids::OrderId;
use platform::Result;
use platform::auth::Role;
use platform::http::Path;
use platform::http::operations::Caller;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Ref, Schema};

use super::parts::{Parts, many, one};
use super::{PATIENCE, answer};
use crate::call::Visitor;

fn order() -> Ref {
    Ref::from_schema_name("OrderView")
}

fn page() -> Schema {
    one("TrackPage", "What its customer sees: timeline, expected time, courier and position.")
}

fn tracking() -> Schema {
    one("OrderTracking", "The timeline with what customers do not see; for those who work with it.")
}

fn position() -> Schema {
    one("DriverPosition", "Where its driver was last seen; for those who work with it.")
}

fn events() -> Schema {
    many("OrderEventView", "Its history, the first 200 steps; for those who work with it.")
}

/// One order and all that is known about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "order": { "id": "order_01h455vb4pex5vsknk084sn02q", "number": "A-042", "status": "enroute_to_dropoff" },
    "page": { "state": "active", "message": "Your order is on the way to you.", "timeline": [] },
    "tracking": null, "position": null, "events": null, "unavailable": []
}))]
pub(super) struct OrderOverview {
    #[schema(schema_with = order)]
    order: Value,
    #[schema(schema_with = page)]
    page: Option<Value>,
    #[schema(schema_with = tracking)]
    tracking: Option<Value>,
    #[schema(schema_with = position)]
    position: Option<Value>,
    #[schema(schema_with = events)]
    events: Option<Value>,
    /// Services that did not answer: their parts are null.
    unavailable: Vec<&'static str>,
}

/// One order and all that is known about it, in one answer: itself, its tracking page, where its courier is, its history.
///
/// Customers see the orders that they placed, drivers those that they have; a part that is not for the caller is null.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/overview", operation_id = "get_order_overview", tag = "views",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "All that is known.", body = OrderOverview))
)]
pub(super) async fn get_order_overview(
    Path(id): Path<OrderId>,
    Caller(caller): Caller,
    visitor: Visitor,
) -> Result<Response> {
    let visitor = visitor.within(PATIENCE);
    let order = Parts::main("orders", visitor.get(&format!("/api/v1/orders/{id}")).await)?;
    let works = caller.role != Role::Customer;
    let page = order["tracking_code"].as_str().map(|code| format!("/api/v1/track/{code}"));
    let (tracking, events) =
        (format!("/api/v1/orders/{id}/tracking"), format!("/api/v1/orders/{id}/events?limit=200"));
    let location = order["driver_id"].as_str().map(|driver| format!("/api/v1/drivers/{driver}/location"));
    let location = location.filter(|_| works);
    let (page, tracking, position, events) = join4(
        OptionFuture::from(page.as_ref().map(|target| visitor.get(target))),
        OptionFuture::from(works.then(|| visitor.get(&tracking))),
        OptionFuture::from(location.as_ref().map(|target| visitor.get(target))),
        OptionFuture::from(works.then(|| visitor.get(&events))),
    )
    .await;
    let mut parts = Parts::default();
    let page = page.and_then(|answer| parts.take("tracking", answer));
    let tracking = tracking.and_then(|answer| parts.take("tracking", answer));
    let position = position.and_then(|answer| parts.take("tracking", answer));
    let events = events.and_then(|answer| parts.take("orders", answer)).map(|mut page| page["items"].take());
    let unavailable = parts.unavailable();
    Ok(answer(&OrderOverview { order, page, tracking, position, events, unavailable }))
}
