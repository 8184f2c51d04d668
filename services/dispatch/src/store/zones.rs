//! Who delivers in which zone: a read model.

use std::collections::BTreeMap;

use kernel::ids::{DriverId, Uuid, ZoneId};
use platform::Result;
use platform::db::Tx;

/// Notes the drivers of a zone, unless something newer is known.
pub async fn put(tx: &mut Tx, id: ZoneId, version: i64, pool: &[DriverId]) -> Result<()> {
    let org = tx.org()?;
    let pool: Vec<Uuid> = pool.iter().map(|driver| driver.uuid()).collect();
    sqlx::query!(
        "INSERT INTO dispatch.zones (org_id, zone_id, version, pool) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id, zone_id) DO UPDATE SET version = $3, pool = $4 WHERE zones.version < $3",
        org.uuid(),
        id.uuid(),
        version,
        &pool,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets a zone.
pub async fn delete(tx: &mut Tx, id: ZoneId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM dispatch.zones WHERE org_id = $1 AND zone_id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The drivers of each zone that has some of its own.
pub async fn pools(tx: &mut Tx) -> Result<BTreeMap<ZoneId, Vec<DriverId>>> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        "SELECT zone_id, pool FROM dispatch.zones WHERE org_id = $1 AND cardinality(pool) > 0",
        org.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let pool = |pool: Vec<Uuid>| pool.into_iter().map(DriverId::new).collect();
    Ok(rows.into_iter().map(|row| (ZoneId::new(row.zone_id), pool(row.pool))).collect())
}
