//! Adding, changing and removing delivery zones.

use contracts::storefront::{ZoneCreated, ZoneDeleted, ZoneUpdated};
use kernel::ids::ZoneId;
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use crate::entities::{Zone, ZoneDetails};
use crate::store::{shops, zones};

/// The most zones of an organisation: a quote looks at all of them.
pub const MAX_ZONES: i64 = 500;

/// Adds a zone.
pub async fn create(tx: &mut Tx, details: ZoneDetails) -> Result<Zone> {
    check(tx, &details).await?;
    if zones::count(tx, MAX_ZONES).await? >= MAX_ZONES {
        return Err(Error::new(Kind::Conflict, "too_many_zones", "An organisation has at most 500 zones.")
            .with_extension("limit", MAX_ZONES));
    }
    let (zone, locked) = zones::insert(tx, details).await?;
    tx.publish(locked, &ZoneCreated { zone_id: zone.id, facts: zone.facts() })?;
    tx.audit(Entry::new("create_zone", "zone", zone.id).after(&zone)?).await?;
    Ok(zone)
}

/// Changes a zone, if the caller has seen its present version.
pub async fn update(
    tx: &mut Tx,
    id: ZoneId,
    seen: impl FnOnce(i64) -> Result<()> + Send,
    change: impl FnOnce(&ZoneDetails) -> Result<ZoneDetails> + Send,
) -> Result<Zone> {
    let before = zones::lock(tx, id).await?.ok_or_else(|| Error::not_found("zone"))?;
    seen(before.version)?;
    let details = change(&before.details)?;
    check(tx, &details).await?;
    let (after, locked) = zones::update(tx, &before, details).await?;
    tx.publish(locked, &ZoneUpdated { zone_id: id, facts: after.facts() })?;
    tx.audit(Entry::new("update_zone", "zone", id).before(&before)?.after(&after)?).await?;
    Ok(after)
}

/// Removes a zone.
pub async fn delete(tx: &mut Tx, id: ZoneId) -> Result<()> {
    let zone = zones::lock(tx, id).await?.ok_or_else(|| Error::not_found("zone"))?;
    remove(tx, &zone, "delete_zone").await
}

/// Removes a locked zone.
pub async fn remove(tx: &mut Tx, zone: &Zone, action: &'static str) -> Result<()> {
    let locked = zones::delete(tx, zone).await?;
    tx.publish(locked, &ZoneDeleted { zone_id: zone.id })?;
    tx.audit(Entry::new(action, "zone", zone.id).before(zone)?).await
}

/// A zone belongs to a shop that is there, or to all of them.
async fn check(tx: &mut Tx, details: &ZoneDetails) -> Result<()> {
    match details.shop_id {
        Some(shop) if !shops::hold(tx, shop).await? => Err(Error::not_found("shop")),
        _ => Ok(()),
    }
}
