//! `GET /api/v1/dispatch/queue`, `GET /api/v1/dispatch/orders/{id}/candidates`: what is open, and who could take it.

use axum::extract::State;
use kernel::ids::{DecisionId, OrderId, Uuid};
use kernel::time::Timestamp;
use platform::http::call::Reader;
use platform::http::openapi::{Api, optional_type_id, type_id};
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::{Error, Result};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::decisions::DispatchCandidate;
use crate::commands::look;
use crate::context::Dispatch;
use crate::domain::strategy;
use crate::store::orders::{self, Known};

pub(super) fn routes(api: Api<Dispatch>) -> Api<Dispatch> {
    api.routes(routes!(list_dispatch_queue)).routes(routes!(get_order_candidates))
}

/// An order that nobody has.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct QueuedOrder {
    /// The order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// What people call it.
    #[schema(example = "A-042")]
    number: String,
    /// `waiting`: somebody is being looked for; `offered`: drivers are asked; `proposed`: it is being given to somebody;
    /// `stuck`: a person has to decide.
    #[schema(example = "waiting")]
    state: &'static str,
    /// How many rounds of asking there were.
    #[schema(example = 0)]
    round: u16,
    /// Since when nobody has it.
    #[schema(example = "2026-11-20T12:00:00Z")]
    waiting_since: Timestamp,
    /// When it is looked at next.
    #[schema(example = "2026-11-20T12:00:15Z")]
    looked_at_next: Timestamp,
    /// The last decision about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<DecisionId>)]
    decision_id: Option<DecisionId>,
}

impl From<Known> for QueuedOrder {
    fn from(order: Known) -> Self {
        Self {
            order_id: order.order_id,
            number: order.facts.number,
            state: order.state.as_str(),
            round: order.round,
            waiting_since: order.waiting_since,
            looked_at_next: order.look_at,
            decision_id: order.decision_id,
        }
    }
}

/// Lists the orders that nobody has, those that wait longest first.
#[utoipa::path(
    get, path = "/api/v1/dispatch/queue", operation_id = "list_dispatch_queue", tag = "dispatch", params(PageQuery),
    responses((status = 200, description = "A page of the queue.", body = Page<QueuedOrder>))
)]
async fn list_dispatch_queue(
    State(dispatch): State<Dispatch>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<QueuedOrder>>> {
    let after = page.cursor.as_ref().map(Cursor::key::<(Timestamp, Uuid)>).transpose()?;
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let rows = orders::queue(&mut tx, None, after, page.limit.fetch()).await?;
    tx.rollback().await?;
    let page = Page::cut(rows, page.limit, |order| (order.waiting_since, order.order_id.uuid()))?;
    Ok(Json(page.map(QueuedOrder::from)))
}

/// Who could take an order now.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct OrderCandidates {
    /// The order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// Where the travel times come from.
    #[schema(example = "straight_line")]
    travel_times: String,
    /// All drivers: who fits first, the earliest first.
    candidates: Vec<DispatchCandidate>,
}

/// Says for every driver of the organisation whether they could take an order now, and what stands in the way.
#[utoipa::path(
    get, path = "/api/v1/dispatch/orders/{id}/candidates", operation_id = "get_order_candidates", tag = "dispatch",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "Everybody, with reasons.", body = OrderCandidates))
)]
async fn get_order_candidates(
    State(dispatch): State<Dispatch>,
    Path(id): Path<OrderId>,
    reader: Reader,
) -> Result<Json<OrderCandidates>> {
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let order = orders::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("order"))?;
    let rows = look::read(&mut tx, vec![order]).await?;
    tx.rollback().await?;
    let snapshot = look::complete(&dispatch, &reader.scope, &rows).await?;
    let candidates = snapshot.orders.first().map(|order| strategy::candidates(&snapshot, order));
    let candidates = candidates.unwrap_or_default().into_iter().map(DispatchCandidate::from).collect();
    Ok(Json(OrderCandidates { order_id: id, travel_times: snapshot.source, candidates }))
}
