//! `PATCH /api/v1/orders/{id}`

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrderId;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::{CashToCollect, OrderStopChange, metadata};
use super::on_order;
use super::view::{OrderView, ProofRequirements, free_object};
use crate::commands::update::{Change, Clearable, StopChange, update};
use crate::context::{Orders, Viewer};
use crate::http::text;

/// What changes; what is absent stays, `null` clears where that makes sense. After the pick-up only the drop-off's contact,
/// door, notes and window, and the cash.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "dropoff": { "notes": "Ring twice." }, "priority": 1 }))]
pub(crate) struct OrderChange {
    /// At the pick-up.
    #[garde(dive)]
    #[serde(default, deserialize_with = "present")]
    pickup: Option<OrderStopChange>,
    /// At the drop-off.
    #[garde(dive)]
    #[serde(default, deserialize_with = "present")]
    dropoff: Option<OrderStopChange>,
    /// When the goods are ready.
    #[garde(inner(custom(text::calendar)))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<Timestamp>)]
    ready_at: Clearable<Timestamp>,
    /// Higher goes first.
    #[garde(inner(range(min = -100, max = 100)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = -100, maximum = 100, nullable = false)]
    priority: Option<i16>,
    /// Words to find it by, in place of those before.
    #[garde(inner(length(max = 20)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 20, nullable = false)]
    tags: Option<Vec<String>>,
    /// Texts, numbers and booleans of an outside system, in place of those before.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present")]
    #[schema(schema_with = free_object)]
    metadata: Option<Map<String, Value>>,
    /// Cash to collect at the door.
    #[garde(dive)]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<CashToCollect>)]
    cash: Clearable<CashToCollect>,
    /// What the driver must be able to do, in place of that before.
    #[garde(inner(length(max = 20)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 20, nullable = false)]
    skills: Option<Vec<String>>,
    /// What it asks for as proof, in place of that before.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present")]
    proof: Option<ProofRequirements>,
    /// What an outside system calls it.
    #[garde(inner(inner(length(chars, min = 1, max = 100), pattern(text::LINE))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    reference: Clearable<String>,
}

/// Words of a list, each once; 422 when one is none.
fn words(field: &str, list: Option<Vec<String>>) -> Result<Option<BTreeSet<String>>> {
    let wrong = list.iter().flatten().any(|word| !text::WORD.is_match(word));
    if wrong {
        return Err(platform::Error::invalid_field(
            format!("/{field}"),
            "are words of letters, digits and signs",
        ));
    }
    Ok(list.map(|list| list.into_iter().collect()))
}

impl OrderChange {
    fn read(self) -> Result<Change> {
        let cash = match self.cash {
            None => None,
            Some(None) => Some(None),
            Some(Some(cash)) => Some(Some(cash.money()?)),
        };
        Ok(Change {
            pickup: self.pickup.map(StopChange::from),
            dropoff: self.dropoff.map(StopChange::from),
            ready_at: self.ready_at,
            priority: self.priority,
            tags: words("tags", self.tags)?.map(|tags| tags.into_iter().collect()),
            metadata: self.metadata.map(metadata).transpose()?,
            cash,
            skills: words("skills", self.skills)?,
            proof: self.proof.map(Into::into),
            reference: self.reference,
        })
    }
}

/// Changes an order, if the caller has seen its present version. What comes too late is 409 `too_late` with the fields.
#[utoipa::path(
    patch, path = "/api/v1/orders/{id}", operation_id = "update_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = OrderChange,
    responses((status = 200, description = "As it is now.", body = OrderView))
)]
pub(crate) async fn update_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    seen: IfMatch,
    request: Command<OrderChange>,
) -> Result<Answer> {
    let change = request.body.read()?;
    let orders = context.clone();
    on_order(&context, &request.call, id, move |tx| {
        let (change, orders, seen) = (change.clone(), orders.clone(), seen.clone());
        Box::pin(async move {
            let order = update(tx, &orders, id, &change, move |version| seen.check(version)).await?;
            Ok(Answer::json(200, &OrderView::new(&order, &Viewer::Staff))?.versioned(order.version))
        })
    })
    .await
}
