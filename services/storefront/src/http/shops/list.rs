//! `GET /api/v1/shops`

use axum::extract::State;
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Query};

use super::view::ShopView;
use crate::context::Storefront;
use crate::queries::shops;

/// Lists the shops of the caller's organisation, oldest first.
#[utoipa::path(
    get, path = "/api/v1/shops", operation_id = "list_shops", tag = "shops", params(PageQuery),
    responses((status = 200, description = "A page of shops.", body = Page<ShopView>))
)]
pub(crate) async fn list_shops(
    State(storefront): State<Storefront>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ShopView>>> {
    let now = storefront.db().clock().now();
    let page = shops::page(&storefront, &reader.scope, &page).await?;
    Ok(Json(page.map(|shop| ShopView::new(shop, now))))
}
