//! `GET /api/v1/shops/{id}`

use axum::extract::State;
use kernel::ids::ShopId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::Versioned;
use platform::http::{Json, Path};

use super::view::ShopView;
use crate::context::Storefront;
use crate::queries::shops;

/// Reads a shop. Whether it is open changes without its version, so there is no 304.
#[utoipa::path(
    get, path = "/api/v1/shops/{id}", operation_id = "get_shop", tag = "shops",
    params(("id" = String, Path, description = "The shop.", pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "shop_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "The shop; its version is in `ETag`.", body = ShopView))
)]
pub(crate) async fn get_shop(
    State(storefront): State<Storefront>,
    Path(id): Path<ShopId>,
    reader: Reader,
) -> Result<Versioned<Json<ShopView>>> {
    let shop = shops::one(&storefront, &reader.scope, id).await?;
    let now = storefront.db().clock().now();
    Ok(Versioned(shop.version, Json(ShopView::new(shop, now))))
}
