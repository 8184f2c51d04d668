//! What the customer's page says about shops.

use contracts::storefront::ShopFacts;
use kernel::ids::ShopId;
use platform::Result;
use platform::db::Tx;

/// A shop, as customers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// Its name.
    pub name: String,
    /// The number that customers may call.
    pub phone: Option<String>,
    /// IANA time zone.
    pub time_zone: String,
}

/// Takes what an event says, unless something newer is known.
pub async fn put(tx: &mut Tx, id: ShopId, version: i64, facts: &ShopFacts) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO tracking.shops (org_id, id, version, name, phone, time_zone) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (org_id, id) DO UPDATE
            SET version = excluded.version, name = excluded.name, phone = excluded.phone,
                time_zone = excluded.time_zone
          WHERE shops.version < excluded.version",
        org.uuid(),
        id.uuid(),
        version,
        facts.name,
        facts.phone,
        facts.time_zone,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The shop takes no more orders; those that it has go on, and its page stays.
pub async fn mark_deleted(tx: &mut Tx, id: ShopId, version: i64) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE tracking.shops SET deleted = true, version = $3 WHERE org_id = $1 AND id = $2 AND version < $3",
        org.uuid(),
        id.uuid(),
        version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A shop.
pub async fn find(tx: &mut Tx, id: ShopId) -> Result<Option<Shop>> {
    let org = tx.org()?;
    let shop = sqlx::query_as!(
        Shop,
        "SELECT name, phone, time_zone FROM tracking.shops WHERE org_id = $1 AND id = $2",
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(shop)
}

/// The time zones of all shops, in the order of their ids.
pub async fn time_zones(tx: &mut Tx) -> Result<Vec<(ShopId, String)>> {
    let org = tx.org()?;
    let rows =
        sqlx::query!("SELECT id, time_zone FROM tracking.shops WHERE org_id = $1 ORDER BY id", org.uuid())
            .fetch_all(tx.conn())
            .await?;
    Ok(rows.into_iter().map(|row| (ShopId::new(row.id), row.time_zone)).collect())
}
