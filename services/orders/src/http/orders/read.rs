//! `GET /api/v1/orders`, `/{id}`, `/{id}/summary`, `/{id}/events`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use contracts::orders::OrderStatus;
use garde::Validate;
use http::header::CONTENT_TYPE;
use kernel::ids::{CustomerId, DriverId, OrderId, ShopId};
use kernel::time::Timestamp;
use platform::http::call::Reader;
use platform::http::etag::IfNoneMatch;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::{OrderEventView, OrderView};
use crate::context::{Orders, Viewer};
use crate::entities::Order;
use crate::http::text;
use crate::queries::orders::{self as read, Search};

/// Which orders.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderQuery {
    /// Only those that stand here; several are separated by commas.
    #[garde(inner(pattern(text::WORDS)))]
    #[param(pattern = "^[a-z_]{1,30}(,[a-z_]{1,30}){0,11}$", example = "created,assigned")]
    status: Option<String>,
    /// Only those that this driver has, or had when they ended.
    #[garde(skip)]
    #[param(value_type = Option<String>, pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "driver_01h455vb4pex5vsknk084sn02q")]
    driver: Option<DriverId>,
    /// Only those of this customer.
    #[garde(skip)]
    #[param(value_type = Option<String>, pattern = "^customer_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "customer_01h455vb4pex5vsknk084sn02q")]
    customer: Option<CustomerId>,
    /// Only those of this shop.
    #[garde(skip)]
    #[param(value_type = Option<String>, pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "shop_01h455vb4pex5vsknk084sn02q")]
    shop: Option<ShopId>,
    /// Only those that were placed at this time or later.
    #[garde(custom(text::calendar))]
    #[param(example = "2026-11-20T00:00:00Z")]
    from: Option<Timestamp>,
    /// Only those that were placed before this time.
    #[garde(custom(text::calendar))]
    #[param(example = "2026-11-21T00:00:00Z")]
    until: Option<Timestamp>,
    /// Only those with this number.
    #[garde(inner(length(chars, min = 1, max = 20), pattern(text::LINE)))]
    #[param(min_length = 1, max_length = 20, example = "A-042")]
    number: Option<String>,
    /// Only those with a stop in a street that begins so.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[param(min_length = 1, max_length = 200, example = "hämeentie")]
    street: Option<String>,
    /// Only those with a stop in this city.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[param(min_length = 1, max_length = 100, example = "Helsinki")]
    city: Option<String>,
    /// Only those with this tag.
    #[garde(inner(pattern(text::WORD)))]
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,49}$", example = "breakfast")]
    tag: Option<String>,
    /// Only those whose metadata has this value: `key=value`.
    #[garde(inner(pattern(text::PAIR)))]
    #[param(example = "table=7")]
    metadata: Option<String>,
    /// Only those with a contact of this number, whole or its last four digits.
    #[garde(inner(pattern(text::PHONE_OR_END)))]
    #[param(pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{4})$", example = "4567")]
    phone: Option<String>,
    /// Only those with a contact of whose name this is a word, or with three letters the beginning of one.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[param(min_length = 1, max_length = 100, example = "hop")]
    name: Option<String>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "WyIyMDI2LTExLTIwVDEyOjAwOjAwWiIsIjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCJd"
    )]
    cursor: Option<Cursor>,
}

impl OrderQuery {
    fn search(&self) -> Result<Search> {
        Ok(Search {
            statuses: statuses(self.status.as_deref())?,
            driver: self.driver,
            customer: self.customer,
            shop: self.shop,
            from: self.from,
            until: self.until,
            number: self.number.clone(),
            street: self.street.clone(),
            city: self.city.clone(),
            tag: self.tag.clone(),
            metadata: self
                .metadata
                .as_ref()
                .and_then(|pair| pair.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
            phone: self.phone.clone(),
            name: self.name.clone(),
        })
    }
}

/// The statuses of a list, separated by commas.
pub(super) fn statuses(list: Option<&str>) -> Result<Vec<OrderStatus>> {
    let words = list.into_iter().flat_map(|list| list.split(','));
    words
        .map(|word| OrderStatus::parse(word).ok_or_else(|| Error::invalid_field("status", "is no status")))
        .collect()
}

/// Lists orders, newest first. Drivers see those that they have, customers those that they placed.
#[utoipa::path(
    get, path = "/api/v1/orders", operation_id = "list_orders", tag = "orders", params(OrderQuery),
    responses((status = 200, description = "A page of orders.", body = Page<OrderView>))
)]
pub(crate) async fn list_orders(
    State(context): State<Orders>,
    reader: Reader,
    Query(query): Query<OrderQuery>,
) -> Result<Json<Page<OrderView>>> {
    let search = query.search()?;
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = read::page(&context, &reader.scope, &viewer, &search, &page).await?;
    Ok(Json(page.map(|order| OrderView::new(&order, &viewer))))
}

/// One order, with what is about people.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", operation_id = "get_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "As it is.", body = OrderView))
)]
pub(crate) async fn get_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    let order = read::one(&context, &reader.scope, &viewer, id).await?;
    Ok(known.respond(order.version, || Json(OrderView::new(&order, &viewer)).into_response()))
}

/// One order without anything about people: what boards and followers ask for again and again.
///
/// It may be a few minutes old where the process that changed the order could not tell this one.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/summary", operation_id = "get_order_summary", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "As it is.", body = OrderView))
)]
pub(crate) async fn get_order_summary(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    // One for everybody is kept.
    let show = |order: &Order| Ok(serde_json::to_value(OrderView::new(order, &Viewer::Staff))?);
    let mut summary = Box::pin(read::summary(&context, &reader.scope, &viewer, id, show)).await?;
    if let (false, Some(body)) = (viewer.may_follow(), summary.body.as_object_mut()) {
        body.remove("tracking_code");
    }
    let json = [(CONTENT_TYPE, "application/json")];
    Ok(known.respond(summary.version, || (json, summary.body.to_string()).into_response()))
}

/// The history of an order, oldest first. Nothing in it is ever changed.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/events", operation_id = "list_order_events", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q"), PageQuery),
    responses((status = 200, description = "A page of the history.", body = Page<OrderEventView>))
)]
pub(crate) async fn list_order_events(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<OrderEventView>>> {
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    let page = read::history(&context, &reader.scope, &viewer, id, &page).await?;
    Ok(Json(page.map(OrderEventView::from)))
}
