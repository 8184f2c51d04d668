//! Shops as people look at them.

use kernel::ids::{ShopId, Uuid};
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};

use crate::context::Storefront;
use crate::entities::Shop;
use crate::store::shops;

/// A page of shops, oldest first.
pub async fn page(storefront: &Storefront, scope: &Scope, page: &PageQuery) -> Result<Page<Shop>> {
    let after = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = storefront.db().read(scope).await?;
    let rows = shops::list(&mut tx, after, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |shop| shop.id.uuid())
}

/// One shop.
pub async fn one(storefront: &Storefront, scope: &Scope, id: ShopId) -> Result<Shop> {
    let mut tx = storefront.db().read(scope).await?;
    shops::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("shop"))
}
