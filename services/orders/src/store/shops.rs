//! Shops as storefront tells of them.

use contracts::storefront::ShopFacts;
use kernel::ids::ShopId;
use platform::Result;
use platform::db::Tx;

/// Keeps what was heard, unless something newer was.
pub async fn save(tx: &mut Tx, id: ShopId, version: i64, facts: &ShopFacts) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO orders.shops (org_id, id, version, facts) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id, id) DO UPDATE SET version = $3, facts = $4 WHERE shops.version < $3",
        org.uuid(),
        id.uuid(),
        version,
        serde_json::to_value(facts)?,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// It takes no new orders.
pub async fn delete(tx: &mut Tx, id: ShopId, version: i64) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE orders.shops SET deleted = true, version = $3 WHERE org_id = $1 AND id = $2 AND version < $3",
        org.uuid(),
        id.uuid(),
        version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A shop that takes orders.
pub async fn find(tx: &mut Tx, id: ShopId) -> Result<Option<ShopFacts>> {
    let org = tx.org()?;
    let facts = sqlx::query_scalar!(
        "SELECT facts FROM orders.shops WHERE org_id = $1 AND id = $2 AND NOT deleted",
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(facts.map(serde_json::from_value).transpose()?)
}
