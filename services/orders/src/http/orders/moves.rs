//! `POST /api/v1/orders/{id}/status`, `/cancel`, `/reattempt`, `/corrections`, `/preparation`

use axum::extract::State;
use contracts::orders::OrderStatus;
use garde::Validate;
use kernel::geo::Position;
use kernel::ids::{OrderId, ProofId};
use kernel::time::Timestamp;
use platform::http::Path;
use platform::http::call::{Action, Command};
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{OrderMoved, OrderPosition};
use super::{moved, on_order};
use crate::commands::preparation;
use crate::commands::steps::{self, Step};
use crate::context::{Orders, Viewer};
use crate::domain::preparation::Preparation;
use crate::http::text::{self, private};

/// A step that a device reports.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "picked_up", "at": "2026-11-20T12:00:00Z" }))]
pub(crate) struct OrderStep {
    /// Where the order stands now: `enroute_to_pickup`, `arrived_at_pickup`, `picked_up`, `enroute_to_dropoff`,
    /// `arrived_at_dropoff`, `delivered`, `failed`, `returning`, `returned`.
    #[garde(length(chars, min = 1, max = 30))]
    #[schema(
        pattern = "^(enroute_to_pickup|arrived_at_pickup|picked_up|enroute_to_dropoff|arrived_at_dropoff|delivered|failed|returning|returned)$"
    )]
    status: String,
    /// When, by the device's clock: up to 72 hours ago, at most a minute ahead. Now, when nothing is said.
    #[garde(skip)]
    at: Option<Timestamp>,
    /// Where the device is.
    #[garde(skip)]
    #[schema(value_type = Option<OrderPosition>)]
    position: Option<Position>,
    /// How it ended (`delivered_to_recipient`, `failed_not_home` ...), with `delivered` and `failed`.
    #[garde(inner(length(chars, min = 1, max = 40)))]
    #[schema(pattern = "^[a-z_]{1,40}$")]
    outcome: Option<String>,
    /// Why it failed (`not_at_home`, `damaged` ...).
    #[garde(inner(length(chars, min = 1, max = 40)))]
    #[schema(pattern = "^[a-z_]{1,40}$")]
    failure_reason: Option<String>,
    /// What else there is to say.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000)]
    note: Option<String>,
    /// The proof that belongs to it.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<ProofId>)]
    proof_id: Option<ProofId>,
}

/// Reports a step. Drivers report those of the orders that they have. A step that was made already is answered with
/// `moved: false`; one that cannot follow is 409 `illegal_step` with what can.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/status", operation_id = "report_order_status", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = OrderStep,
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn report_order_status(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<OrderStep>,
) -> Result<Answer> {
    let body = request.body;
    let status = OrderStatus::parse(&body.status)
        .ok_or_else(|| Error::invalid_field("/status", "is no status of an order"))?;
    let step = Step {
        status,
        at: body.at,
        position: body.position,
        outcome: body.outcome,
        failure_reason: body.failure_reason,
        note: body.note.as_deref().map(private),
        proof: body.proof_id,
    };
    let viewer = context.viewer(&request.principal, &request.call.scope).await?;
    let orders = context.clone();
    on_order(&context, &request.call, id, move |tx| {
        let (step, viewer, orders) = (step.clone(), viewer.clone(), orders.clone());
        Box::pin(async move {
            let (order, done) = steps::step(tx, &orders, &viewer, id, &step).await?;
            moved(&order, done, &viewer)
        })
    })
    .await
}

/// Why an order is called off.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CancelReason {
    /// Those who receive do not want it any more.
    Customer,
    /// Those who sell cannot deliver it.
    Merchant,
    /// Nobody can bring it.
    NoDriver,
    /// It exists twice.
    Duplicate,
    /// Something else.
    Other,
}

impl CancelReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Merchant => "merchant",
            Self::NoDriver => "no_driver",
            Self::Duplicate => "duplicate",
            Self::Other => "other",
        }
    }
}

/// A cancellation.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "customer" }))]
pub(crate) struct OrderCancellation {
    /// Why.
    #[garde(skip)]
    #[schema(inline)]
    reason: CancelReason,
    /// What else there is to say.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000)]
    note: Option<String>,
}

/// Calls an order off. What was picked up goes back: its status becomes `returning`.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/cancel", operation_id = "cancel_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = OrderCancellation,
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn cancel_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<OrderCancellation>,
) -> Result<Answer> {
    let (reason, note) = (request.body.reason.as_str(), request.body.note.as_deref().map(private));
    let orders = context.clone();
    on_order(&context, &request.call, id, move |tx| {
        let (note, orders) = (note.clone(), orders.clone());
        Box::pin(async move {
            let (order, done) = steps::cancel(tx, &orders, id, reason, note, "cancel_order").await?;
            moved(&order, done, &Viewer::Staff)
        })
    })
    .await
}

/// Tries a failed order again: the driver who has the goods gets another attempt.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/reattempt", operation_id = "reattempt_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn reattempt_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Action,
) -> Result<Answer> {
    let viewer = context.viewer(&request.principal, &request.call.scope).await?;
    let orders = context.clone();
    on_order(&context, &request.call, id, move |tx| {
        let (viewer, orders) = (viewer.clone(), orders.clone());
        Box::pin(async move {
            let (order, done) = steps::reattempt(tx, &orders, &viewer, id).await?;
            moved(&order, done, &viewer)
        })
    })
    .await
}

/// A wrong step put right.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "arrived_at_dropoff", "reason": "Tapped delivered by mistake." }))]
pub(crate) struct OrderCorrection {
    /// Where it really stands: any status that the history could have had.
    #[garde(length(chars, min = 1, max = 30))]
    #[schema(
        pattern = "^(created|assigned|enroute_to_pickup|arrived_at_pickup|picked_up|enroute_to_dropoff|arrived_at_dropoff|delivered|failed|returning|returned|cancelled|canceled)$"
    )]
    status: String,
    /// Why, for the audit log: about the work, not about people.
    #[garde(length(chars, min = 3, max = 500), pattern(text::LINE))]
    #[schema(min_length = 3, max_length = 500)]
    reason: String,
}

/// Puts a wrong step right. Nothing is erased: the history keeps the step and its correction.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/corrections", operation_id = "correct_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = OrderCorrection,
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn correct_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<OrderCorrection>,
) -> Result<Answer> {
    let status = OrderStatus::parse(&request.body.status)
        .ok_or_else(|| Error::invalid_field("/status", "is no status of an order"))?;
    let (reason, orders) = (request.body.reason.trim().to_owned(), context.clone());
    on_order(&context, &request.call, id, move |tx| {
        let (reason, orders) = (reason.clone(), orders.clone());
        Box::pin(async move {
            let (order, done) = steps::correct(tx, &orders, id, status, &reason).await?;
            moved(&order, done, &Viewer::Staff)
        })
    })
    .await
}

/// Where the preparation stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PreparationStatus {
    /// The shop will prepare it.
    Accepted,
    /// The shop prepares it.
    Preparing,
    /// It can be picked up.
    Ready,
    /// The shop will not prepare it.
    Rejected,
}

impl From<PreparationStatus> for Preparation {
    fn from(status: PreparationStatus) -> Self {
        match status {
            PreparationStatus::Accepted => Self::Accepted,
            PreparationStatus::Preparing => Self::Preparing,
            PreparationStatus::Ready => Self::Ready,
            PreparationStatus::Rejected => Self::Rejected,
        }
    }
}

/// A step of the shop.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "ready" }))]
pub(crate) struct OrderPreparation {
    /// Where it stands now.
    #[garde(skip)]
    #[schema(inline)]
    status: PreparationStatus,
}

/// Reports a step of the shop. `ready` also says that the goods are ready now.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/preparation", operation_id = "prepare_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = OrderPreparation,
    responses((status = 200, description = "How it stands.", body = OrderMoved))
)]
pub(crate) async fn prepare_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<OrderPreparation>,
) -> Result<Answer> {
    let (to, orders) = (request.body.status.into(), context.clone());
    on_order(&context, &request.call, id, move |tx| {
        let orders = orders.clone();
        Box::pin(async move {
            let (order, done) = preparation::prepare(tx, &orders, id, to).await?;
            moved(&order, done, &Viewer::Staff)
        })
    })
    .await
}
