//! `POST /api/v1/routes/{id}/move`

use std::collections::BTreeSet;

use axum::extract::State;
use contracts::calls::AssignOrder;
use garde::Validate;
use kernel::ids::{DriverId, OrderId, RouteId};
use platform::audit::Entry;
use platform::db::Scope;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::openapi::type_id;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::Dispatch;
use crate::store::{drivers, orders, routes};

/// To whom.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "driver_id": "driver_01h455vb4pex5vsknk084sn02q" }))]
pub(crate) struct RouteMove {
    /// Who makes the stops from now on.
    #[garde(skip)]
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
}

/// What became of one order.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct RouteMoveRow {
    /// The order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// Whether the other driver has it now.
    #[schema(example = true)]
    moved: bool,
    /// Why not: the code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "illegal_step")]
    code: Option<String>,
}

/// What became of each order of the route.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RouteMoved {
    /// Row by row.
    orders: Vec<RouteMoveRow>,
}

/// Gives all orders of a route to another driver; those that are carried are handed over. Order by order: what is refused
/// stays where it is.
#[utoipa::path(
    post, path = "/api/v1/routes/{id}/move", operation_id = "move_route", tag = "routes",
    params(("id" = String, Path, description = "The route.", pattern = "^route_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "route_01h455vb4pex5vsknk084sn02q")),
    request_body = RouteMove,
    responses((status = 200, description = "What became of each order.", body = RouteMoved))
)]
pub(crate) async fn move_route(
    State(dispatch): State<Dispatch>,
    Path(id): Path<RouteId>,
    request: Command<RouteMove>,
) -> Result<Answer> {
    let (scope, to) = (request.call.scope.clone(), request.body.driver_id);
    let calls = calls(&dispatch, &scope, id, to).await?;
    let mut rows = Vec::with_capacity(calls.len());
    for call in calls {
        rows.push(tell(&dispatch, &scope, &call).await?);
    }
    request
        .call
        .run(dispatch.db(), move |tx| {
            let moved = RouteMoved { orders: rows.clone() };
            Box::pin(async move {
                tx.audit(Entry::new("move_route", "route", id).after(&moved)?).await?;
                Answer::json(200, &moved)
            })
        })
        .await
}

/// What orders is asked for, order by order.
async fn calls(dispatch: &Dispatch, scope: &Scope, id: RouteId, to: DriverId) -> Result<Vec<AssignOrder>> {
    let mut tx = dispatch.db().read(scope).await?;
    let route = routes::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("route"))?;
    if drivers::find(&mut tx, to).await?.is_none() {
        return Err(Error::invalid_field("/driver_id", "there is no such driver"));
    }
    let ids: BTreeSet<OrderId> = route.stops.iter().map(|stop| stop.order_id).collect();
    let mut calls = Vec::with_capacity(ids.len());
    for order_id in ids {
        if let Some(order) = orders::find(&mut tx, order_id).await? {
            let instead_of = Some(route.driver_id);
            calls.push(AssignOrder { order_id, driver_id: to, instead_of, attempt: order.attempt });
        }
    }
    tx.rollback().await?;
    Ok(calls)
}

/// The key names what is done: whoever asks for the same again gets the same.
async fn tell(dispatch: &Dispatch, scope: &Scope, call: &AssignOrder) -> Result<RouteMoveRow> {
    let from = call.instead_of.map(|driver| driver.to_string()).unwrap_or_default();
    let request = scope.request.map(|request| request.to_string()).unwrap_or_default();
    let key = format!("move/{}/{from}/{}/{request}", call.order_id, call.driver_id);
    let order_id = call.order_id;
    match dispatch.ground().peers.tell(scope, &key, call).await {
        Ok(_) => Ok(RouteMoveRow { order_id, moved: true, code: None }),
        Err(error) if error.kind().is_failure() => Err(error),
        Err(refusal) => Ok(RouteMoveRow { order_id, moved: false, code: Some(refusal.code().to_owned()) }),
    }
}
