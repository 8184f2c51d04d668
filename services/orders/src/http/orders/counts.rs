//! `GET /api/v1/orders/counts`

use std::collections::BTreeMap;

use axum::extract::State;
use garde::Validate;
use kernel::ids::{DriverId, ShopId};
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::Reader;
use platform::http::{Json, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::read::statuses;
use crate::context::Orders;
use crate::http::text;
use crate::queries::counts;
use crate::queries::orders::Search;

/// Which orders are counted.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderCountQuery {
    /// Only those that stand here; several are separated by commas.
    #[garde(inner(pattern(text::WORDS)))]
    #[param(pattern = "^[a-z_]{1,30}(,[a-z_]{1,30}){0,11}$", example = "created,assigned")]
    status: Option<String>,
    /// Only those that this driver has, or had when they ended.
    #[garde(skip)]
    #[param(value_type = Option<String>, pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "driver_01h455vb4pex5vsknk084sn02q")]
    driver: Option<DriverId>,
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
}

/// How many orders stand where.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({ "counts": { "created": 3, "assigned": 2, "delivered": 41 } }))]
pub(crate) struct OrderCounts {
    /// By status; more statuses may come.
    counts: BTreeMap<&'static str, i64>,
}

/// Counts orders by status. Drivers count those that they have, customers those that they placed.
#[utoipa::path(
    get, path = "/api/v1/orders/counts", operation_id = "count_orders", tag = "orders", params(OrderCountQuery),
    responses((status = 200, description = "How many stand where.", body = OrderCounts))
)]
pub(crate) async fn count_orders(
    State(context): State<Orders>,
    reader: Reader,
    Query(query): Query<OrderCountQuery>,
) -> Result<Json<OrderCounts>> {
    let search = Search {
        statuses: statuses(query.status.as_deref())?,
        driver: query.driver,
        shop: query.shop,
        from: query.from,
        until: query.until,
        ..Search::default()
    };
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    let counts = counts::by_status(&context, &reader.scope, &viewer, &search).await?;
    Ok(Json(OrderCounts { counts }))
}
