//! `GET /api/v1/zones`

use axum::extract::State;
use garde::Validate;
use kernel::ids::ShopId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::ZoneView;
use crate::context::Storefront;
use crate::queries::zones;

/// Which zones.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ZoneQuery {
    /// Only those of this shop; zones of all shops are not among them.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "shop_01h455vb4pex5vsknk084sn02q"
    )]
    shop_id: Option<ShopId>,
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

/// Lists the delivery zones of the caller's organisation, oldest first.
#[utoipa::path(
    get, path = "/api/v1/zones", operation_id = "list_zones", tag = "zones", params(ZoneQuery),
    responses((status = 200, description = "A page of zones.", body = Page<ZoneView>))
)]
pub(crate) async fn list_zones(
    State(storefront): State<Storefront>,
    reader: Reader,
    Query(query): Query<ZoneQuery>,
) -> Result<Json<Page<ZoneView>>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = zones::page(&storefront, &reader.scope, query.shop_id, &page).await?;
    Ok(Json(page.map(ZoneView::from)))
}
