//! `POST /api/v1/orders/{id}/assign`, `/unassign`, `/handover`

use axum::extract::State;
use garde::Validate;
use kernel::ids::{DriverId, OrderId};
use platform::Result;
use platform::http::Path;
use platform::http::call::{Action, Command};
use platform::http::openapi::{optional_type_id, type_id};
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::OrderMoved;
use super::{moved, on_order};
use crate::commands::assign;
use crate::context::{Orders, Viewer};

/// Who gets an order.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "driver_id": "driver_01h455vb4pex5vsknk084sn02q" }))]
pub(crate) struct OrderAssignment {
    /// The driver.
    #[garde(skip)]
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// Only if this driver has it; without it, only if nobody has it.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<DriverId>)]
    instead_of: Option<DriverId>,
}

/// Gives an order to a driver. Of two who decide at once one wins; the other is 409 `order_taken` with who has it.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/assign", operation_id = "assign_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = OrderAssignment,
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn assign_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<OrderAssignment>,
) -> Result<Answer> {
    let OrderAssignment { driver_id, instead_of } = request.body;
    let orders = context.clone();
    on_order(&context, &request.call, id, move |tx| {
        let orders = orders.clone();
        Box::pin(async move {
            let (order, done) =
                assign::assign(tx, &orders, id, driver_id, instead_of, None, "assign_order").await?;
            moved(&order, done, &Viewer::Staff)
        })
    })
    .await
}

/// Takes an order from its driver, who has not picked it up: it waits for another one.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/unassign", operation_id = "unassign_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn unassign_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Action,
) -> Result<Answer> {
    let orders = context.clone();
    on_order(&context, &request.call, id, move |tx| {
        let orders = orders.clone();
        Box::pin(async move {
            let (order, done) = assign::unassign(tx, &orders, id, None, "unassign_order").await?;
            moved(&order, done, &Viewer::Staff)
        })
    })
    .await
}

/// Who takes a carried order over.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "to_driver_id": "driver_01h455vb4pex5vsknk084sn02q" }))]
pub(crate) struct OrderHandOver {
    /// The driver who has it from now on.
    #[garde(skip)]
    #[schema(schema_with = type_id::<DriverId>)]
    to_driver_id: DriverId,
}

/// Hands a carried order to another driver: the status stays. Staff does so, or the driver who has it.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/handover", operation_id = "hand_over_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = OrderHandOver,
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn hand_over_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<OrderHandOver>,
) -> Result<Answer> {
    let viewer = context.viewer(&request.principal, &request.call.scope).await?;
    let (to, orders) = (request.body.to_driver_id, context.clone());
    on_order(&context, &request.call, id, move |tx| {
        let (viewer, orders) = (viewer.clone(), orders.clone());
        Box::pin(async move {
            let (order, done) = assign::hand_over(tx, &orders, &viewer, id, to).await?;
            moved(&order, done, &viewer)
        })
    })
    .await
}
