//! Adding, changing and deleting shops.

use contracts::storefront::{ShopCreated, ShopDeleted, ShopUpdated};
use kernel::ids::ShopId;
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Result};

use super::zones;
use crate::domain::shop::check;
use crate::entities::{Shop, ShopDetails};
use crate::store::{shops, zones as zone_rows};

/// Adds a shop.
pub async fn create(tx: &mut Tx, details: ShopDetails) -> Result<Shop> {
    check(&details)?;
    let (shop, locked) = shops::insert(tx, details).await?;
    tx.publish(locked, &ShopCreated { shop_id: shop.id, facts: shop.facts() })?;
    tx.audit(Entry::new("create_shop", "shop", shop.id).after(&shop)?).await?;
    Ok(shop)
}

/// Changes a shop, if the caller has seen its present version.
pub async fn update(
    tx: &mut Tx,
    id: ShopId,
    seen: impl FnOnce(i64) -> Result<()> + Send,
    change: impl FnOnce(&ShopDetails) -> Result<ShopDetails> + Send,
) -> Result<Shop> {
    let before = shops::lock(tx, id).await?.ok_or_else(|| Error::not_found("shop"))?;
    seen(before.version)?;
    let details = change(&before.details)?;
    check(&details)?;
    let (after, locked) = shops::update(tx, &before, details).await?;
    tx.publish(locked, &ShopUpdated { shop_id: id, facts: after.facts() })?;
    tx.audit(Entry::new("update_shop", "shop", id).before(&before)?.after(&after)?).await?;
    Ok(after)
}

/// Deletes a shop and its zones. Orders that it has go on.
pub async fn delete(tx: &mut Tx, id: ShopId) -> Result<()> {
    let before = shops::lock(tx, id).await?.ok_or_else(|| Error::not_found("shop"))?;
    for zone in zone_rows::lock_of_shop(tx, id).await? {
        zones::remove(tx, &zone, "delete_shop").await?;
    }
    let locked = shops::delete(tx, id).await?;
    tx.publish(locked, &ShopDeleted { shop_id: id })?;
    tx.audit(Entry::new("delete_shop", "shop", id).before(&before)?).await
}
