//! Zones as people look at them.

use kernel::ids::{ShopId, Uuid, ZoneId};
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};

use crate::context::Storefront;
use crate::entities::Zone;
use crate::store::zones;

/// A page of zones, oldest first; those of one shop if it is named.
pub async fn page(
    storefront: &Storefront,
    scope: &Scope,
    shop: Option<ShopId>,
    page: &PageQuery,
) -> Result<Page<Zone>> {
    let after = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = storefront.db().read(scope).await?;
    let rows = zones::list(&mut tx, shop, after, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |zone| zone.id.uuid())
}

/// One zone.
pub async fn one(storefront: &Storefront, scope: &Scope, id: ZoneId) -> Result<Zone> {
    let mut tx = storefront.db().read(scope).await?;
    zones::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("zone"))
}
