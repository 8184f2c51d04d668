//! `POST /api/v1/orders/bulk`: each row is a transaction of its own, with a key derived from the request's.

use axum::extract::State;
use garde::Validate;
use http::HeaderMap;
use kernel::ids::{DriverId, OrderId};
use platform::http::Json;
use platform::http::call::Command;
use platform::http::header::IDEMPOTENCY_KEY;
use platform::http::openapi::{optional_type_id, type_id};
use platform::idempotency::{Answer, Call, Key};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moves::CancelReason;
use super::{moved, on_order};
use crate::commands::{assign, steps};
use crate::context::{Orders, Viewer};

/// What is done with each order.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BulkAction {
    /// Give it to `driver_id`.
    Assign,
    /// Take it from its driver.
    Unassign,
    /// Call it off, for `reason`.
    Cancel,
}

/// The same for many orders.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "action": "assign", "driver_id": "driver_01h455vb4pex5vsknk084sn02q",
                           "ids": ["order_01h455vb4pex5vsknk084sn02q"] }))]
pub(crate) struct BulkOrders {
    /// What is done.
    #[garde(skip)]
    #[schema(inline)]
    action: BulkAction,
    /// With which orders.
    #[garde(length(min = 1, max = 200))]
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 200)]
    ids: Vec<OrderId>,
    /// Who gets them.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<DriverId>)]
    driver_id: Option<DriverId>,
    /// Why they are called off.
    #[garde(skip)]
    #[schema(inline)]
    reason: Option<CancelReason>,
}

/// What became of one row.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BulkRow {
    /// The order.
    #[schema(schema_with = type_id::<OrderId>)]
    id: OrderId,
    /// The status that the operation for one order would have answered.
    #[schema(example = 200)]
    status: u16,
    /// The code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "order_taken")]
    code: Option<String>,
}

/// What became of each row, in the order of the request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// One for each.
    rows: Vec<BulkRow>,
}

#[derive(Debug, Clone, Copy)]
enum Todo {
    Assign(DriverId),
    Unassign,
    Cancel(&'static str),
}

impl BulkOrders {
    fn todo(&self) -> Result<Todo> {
        match self.action {
            BulkAction::Assign => {
                let driver = self.driver_id;
                driver
                    .map(Todo::Assign)
                    .ok_or_else(|| Error::invalid_field("/driver_id", "says who gets them"))
            }
            BulkAction::Unassign => Ok(Todo::Unassign),
            BulkAction::Cancel => Ok(Todo::Cancel(self.reason.unwrap_or(CancelReason::Other).as_str())),
        }
    }
}

/// The call of one row. A key of its own: sent again, each row answers as it did.
fn row_call(whole: &Call, headers: &HeaderMap, id: OrderId, todo: Todo) -> Result<Call> {
    let mut call = Call::new(whole.scope.clone(), whole.operation);
    if let Some(key) = headers.get(IDEMPOTENCY_KEY) {
        let derived = Key::fingerprint("bulk", &id.to_string(), key.as_bytes());
        let text = derived.iter().fold("bulk-".to_owned(), |text, byte| text + &format!("{byte:02x}"));
        let what = format!("{todo:?}");
        call.key = Some(Key::new(&text, Key::fingerprint("bulk", &id.to_string(), what.as_bytes()))?);
    }
    Ok(call)
}

/// Does the same with many orders, each in a transaction of its own. Refused rows do not keep the others from being done.
#[utoipa::path(
    post, path = "/api/v1/orders/bulk", operation_id = "bulk_orders", tag = "orders",
    request_body = BulkOrders,
    responses((status = 200, description = "What became of each row.", body = BulkResult))
)]
pub(crate) async fn bulk_orders(
    State(context): State<Orders>,
    headers: HeaderMap,
    request: Command<BulkOrders>,
) -> Result<Json<BulkResult>> {
    let todo = request.body.todo()?;
    let mut rows = Vec::with_capacity(request.body.ids.len());
    for id in request.body.ids {
        let call = row_call(&request.call, &headers, id, todo)?;
        rows.push(row(id, one(&context, &call, id, todo).await)?);
    }
    Ok(Json(BulkResult { rows }))
}

/// A failure of ours fails the whole request, which can be sent again; a refusal is the row's answer.
fn row(id: OrderId, result: Result<Answer>) -> Result<BulkRow> {
    match result {
        Ok(answer) if answer.status < 400 => Ok(BulkRow { id, status: answer.status, code: None }),
        Ok(stored) => {
            let document: serde_json::Value = serde_json::from_slice(&stored.body)?;
            let code = document["code"].as_str().map(str::to_owned);
            Ok(BulkRow { id, status: stored.status, code })
        }
        Err(error) if error.kind().is_failure() => Err(error),
        Err(error) => Ok(BulkRow { id, status: error.kind().status(), code: Some(error.code().to_owned()) }),
    }
}

async fn one(context: &Orders, call: &Call, id: OrderId, todo: Todo) -> Result<Answer> {
    let orders = context.clone();
    on_order(context, call, id, move |tx| {
        let orders = orders.clone();
        Box::pin(async move {
            let (order, done) = match todo {
                Todo::Assign(driver) => {
                    assign::assign(tx, &orders, id, driver, None, None, "bulk_orders").await?
                }
                Todo::Unassign => assign::unassign(tx, &orders, id, None, "bulk_orders").await?,
                Todo::Cancel(reason) => steps::cancel(tx, &orders, id, reason, None, "bulk_orders").await?,
            };
            moved(&order, done, &Viewer::Staff)
        })
    })
    .await
}
