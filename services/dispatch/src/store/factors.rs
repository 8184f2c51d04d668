//! How long ways really take: a read model of what tracking has learned.

use kernel::travel::Factors;
use platform::Result;
use platform::db::Tx;

/// Notes what was learned, unless something newer is known.
pub async fn put(tx: &mut Tx, version: i64, factors: &Factors) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO dispatch.travel_factors (org_id, version, factors) VALUES ($1, $2, $3)
         ON CONFLICT (org_id) DO UPDATE SET version = $2, factors = $3 WHERE travel_factors.version < $2",
        org.uuid(),
        version,
        serde_json::to_value(factors)?,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was learned; nothing before the first night. What this release cannot read is learned again at night.
pub async fn find(tx: &mut Tx) -> Result<Factors> {
    let org = tx.org()?;
    let factors =
        sqlx::query_scalar!("SELECT factors FROM dispatch.travel_factors WHERE org_id = $1", org.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(factors.and_then(|factors| serde_json::from_value(factors).ok()).unwrap_or_default())
}
