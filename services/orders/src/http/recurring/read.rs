//! `GET /api/v1/recurring-orders`, `/{id}`, `/{id}/occurrences`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use kernel::ids::{RecurrenceId, ShopId};
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::IfNoneMatch;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Path, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::{RecurringOrderOccurrence, RecurringOrderView};
use crate::context::Orders;
use crate::queries::recurrences;

/// Which recurring orders.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecurringOrderQuery {
    /// Only those of this shop.
    #[garde(skip)]
    #[param(value_type = Option<String>, pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "shop_01h455vb4pex5vsknk084sn02q")]
    shop: Option<ShopId>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "IjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCI"
    )]
    cursor: Option<Cursor>,
}

/// Lists recurring orders, newest first.
#[utoipa::path(
    get, path = "/api/v1/recurring-orders", operation_id = "list_recurring_orders", tag = "recurring-orders",
    params(RecurringOrderQuery),
    responses((status = 200, description = "A page of recurring orders.", body = Page<RecurringOrderView>))
)]
pub(crate) async fn list_recurring_orders(
    State(context): State<Orders>,
    reader: Reader,
    Query(query): Query<RecurringOrderQuery>,
) -> Result<Json<Page<RecurringOrderView>>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = recurrences::page(&context, &reader.scope, query.shop, &page).await?;
    Ok(Json(page.map(|one| RecurringOrderView::new(&one))))
}

/// One recurring order with its next five times.
#[utoipa::path(
    get, path = "/api/v1/recurring-orders/{id}", operation_id = "get_recurring_order", tag = "recurring-orders",
    params(("id" = String, Path, description = "The recurring order.", pattern = "^recurrence_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "recurrence_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "As it is.", body = RecurringOrderView))
)]
pub(crate) async fn get_recurring_order(
    State(context): State<Orders>,
    Path(id): Path<RecurrenceId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let one = recurrences::one(&context, &reader.scope, id).await?;
    Ok(known.respond(one.version, || Json(RecurringOrderView::with_next(&one)).into_response()))
}

/// What became of each time of a recurring order, latest first.
#[utoipa::path(
    get, path = "/api/v1/recurring-orders/{id}/occurrences", operation_id = "list_recurring_order_occurrences",
    tag = "recurring-orders",
    params(("id" = String, Path, description = "The recurring order.", pattern = "^recurrence_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "recurrence_01h455vb4pex5vsknk084sn02q"), PageQuery),
    responses((status = 200, description = "A page of occurrences.", body = Page<RecurringOrderOccurrence>))
)]
pub(crate) async fn list_recurring_order_occurrences(
    State(context): State<Orders>,
    Path(id): Path<RecurrenceId>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RecurringOrderOccurrence>>> {
    let page = recurrences::past(&context, &reader.scope, id, &page).await?;
    Ok(Json(page.map(RecurringOrderOccurrence::from)))
}
