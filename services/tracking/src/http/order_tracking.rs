//! `GET /api/v1/orders/{id}/tracking`

use axum::extract::State;
use kernel::ids::{DriverId, OrderId};
use kernel::time::Timestamp;
use platform::auth::Role;
use platform::http::call::Reader;
use platform::http::openapi::{Api, type_id};
use platform::http::{Json, Path};
use platform::{Error, Result};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::access;
use super::track::{EtaView, TimelineRow};
use crate::context::Tracking;
use crate::store::{deliveries, ratings, updates};

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(get_order_tracking))
}

/// What the customer said.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct OrderRating {
    /// 1 to 5.
    #[schema(example = 5, minimum = 1, maximum = 5)]
    stars: i16,
    /// In the customer's words; not shown to drivers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Still warm!")]
    comment: Option<String>,
    /// When it was last changed.
    #[schema(example = "2026-11-20T13:00:00Z")]
    at: Timestamp,
}

impl std::fmt::Debug for OrderRating {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrderRating").field("stars", &self.stars).finish_non_exhaustive()
    }
}

/// How an order is followed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderTracking {
    /// The order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// The movement.
    #[schema(example = "enroute_to_dropoff")]
    status: &'static str,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "driver_01h455vb4pex5vsknk084sn02q")]
    driver_id: Option<DriverId>,
    /// Which attempt.
    #[schema(example = 1, minimum = 1)]
    attempt: u16,
    /// When it is expected at the drop-off.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<EtaView>,
    /// The customer's page. Drivers do not see it: the page shows the PIN that they are to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://deliveries.example.com/t/7KQ2M9XTB4HP")]
    link: Option<String>,
    /// What has happened, oldest first, with what customers do not see.
    timeline: Vec<TimelineRow>,
    /// When the customer confirmed the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:45:00Z")]
    confirmed_at: Option<Timestamp>,
    /// What the customer said.
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<OrderRating>,
}

fn page(tracking: &Tracking, code: &str) -> String {
    format!("{}/t/{code}", tracking.ground().public_url)
}

/// Shows the timeline of an order, its expected time and the link of its customer's page. Drivers see what they have.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/tracking", operation_id = "get_order_tracking", tag = "tracking",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "How it is followed.", body = OrderTracking))
)]
pub(crate) async fn get_order_tracking(
    State(tracking): State<Tracking>,
    Path(id): Path<OrderId>,
    reader: Reader,
) -> Result<Json<OrderTracking>> {
    let unknown = || Error::not_found("order");
    let vault = &tracking.ground().vault;
    let mut tx = tracking.db().read(&reader.scope).await?;
    let delivery = deliveries::find(&mut tx, id).await?.ok_or_else(unknown)?;
    let is_driver = reader.principal.role == Role::Driver;
    if is_driver {
        let driver = delivery.driver_id.ok_or_else(unknown)?;
        access::own(&mut tx, &reader.principal, driver).await.map_err(|_not_theirs| unknown())?;
    }
    let timeline = updates::list(&mut tx, id).await?;
    let rating = ratings::find(&mut tx, vault, id).await?;
    tx.rollback().await?;
    let comment = |text: platform::vault::Private| (!is_driver).then(|| text.reveal().to_owned());
    Ok(Json(OrderTracking {
        order_id: id,
        status: delivery.status.as_str(),
        driver_id: delivery.driver_id,
        attempt: delivery.attempt,
        eta: delivery.eta.map(EtaView::from),
        link: (!is_driver).then(|| page(&tracking, &delivery.facts.tracking_code)),
        timeline: timeline.into_iter().map(TimelineRow::from).collect(),
        confirmed_at: delivery.confirmed_at,
        rating: rating.map(|rating| OrderRating {
            stars: rating.stars,
            comment: rating.comment.and_then(comment),
            at: rating.updated_at,
        }),
    }))
}
