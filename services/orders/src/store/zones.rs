//! Zones as storefront tells of them.

use contracts::storefront::ZoneFacts;
use kernel::geo::{Polygon, Position};
use kernel::ids::{ShopId, Uuid, ZoneId};
use platform::Result;
use platform::db::Tx;

/// The smallest and the largest of some degrees.
fn span(degrees: impl Iterator<Item = f64>) -> (f64, f64) {
    degrees.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| (low.min(one), high.max(one)))
}

/// Keeps what was heard, unless something newer was.
pub async fn save(tx: &mut Tx, id: ZoneId, version: i64, facts: &ZoneFacts) -> Result<()> {
    let org = tx.org()?;
    let corners = facts.area.corners();
    let (south, north) = span(corners.iter().map(|corner| corner.lat()));
    let (west, east) = span(corners.iter().map(|corner| corner.lon()));
    sqlx::query!(
        "INSERT INTO orders.zones (org_id, id, version, shop_id, rank, area, south, north, west, east)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (org_id, id) DO UPDATE
            SET version = $3, shop_id = $4, rank = $5, area = $6, south = $7, north = $8, west = $9, east = $10
          WHERE zones.version < $3",
        org.uuid(),
        id.uuid(),
        version,
        facts.shop_id.map(ShopId::uuid),
        facts.rank,
        serde_json::to_value(&facts.area)?,
        south,
        north,
        west,
        east,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// It is gone.
pub async fn delete(tx: &mut Tx, id: ZoneId, version: i64) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE orders.zones SET deleted = true, version = $3 WHERE org_id = $1 AND id = $2 AND version < $3",
        org.uuid(),
        id.uuid(),
        version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The zone of a place: of those for this shop or for all shops, the one with the highest rank; of equals the oldest.
pub async fn at(tx: &mut Tx, place: Position, shop: Option<ShopId>) -> Result<Option<ZoneId>> {
    let org = tx.org()?;
    let near = sqlx::query!(
        "SELECT id, area FROM orders.zones
          WHERE org_id = $1 AND NOT deleted AND south <= $2 AND north >= $2 AND west <= $3 AND east >= $3
            AND (shop_id IS NULL OR shop_id = $4)
          ORDER BY rank DESC, id",
        org.uuid(),
        place.lat(),
        place.lon(),
        shop.map(ShopId::uuid) as Option<Uuid>,
    )
    .fetch_all(tx.conn())
    .await?;
    for zone in near {
        let area: Polygon = serde_json::from_value(zone.area)?;
        if area.contains(place) {
            return Ok(Some(ZoneId::new(zone.id)));
        }
    }
    Ok(None)
}
