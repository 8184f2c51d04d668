//! Delivery zones.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DriverId, ShopId, Uuid, ZoneId};
use platform::db::{Locked, Tx};
use platform::{Error, Result};

use crate::entities::{Zone, ZoneDetails};

struct Row {
    id: Uuid,
    version: i64,
    name: String,
    shop_id: Option<Uuid>,
    area: serde_json::Value,
    fee_minor: i64,
    minimum_minor: Option<i64>,
    currency: String,
    pool: Vec<Uuid>,
    rank: i16,
    created_at: SqlTime,
    updated_at: SqlTime,
}

impl TryFrom<Row> for Zone {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: ZoneId::new(row.id),
            version: row.version,
            details: ZoneDetails {
                name: row.name,
                shop_id: row.shop_id.map(ShopId::new),
                area: serde_json::from_value(row.area)?,
                fee_minor: row.fee_minor,
                minimum_minor: row.minimum_minor,
                currency: row.currency.parse().map_err(Error::internal)?,
                pool: row.pool.into_iter().map(DriverId::new).collect(),
                rank: row.rank,
            },
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

fn pool(details: &ZoneDetails) -> Vec<Uuid> {
    details.pool.iter().map(|driver| driver.uuid()).collect()
}

/// Adds a zone.
pub async fn insert(tx: &mut Tx, details: ZoneDetails) -> Result<(Zone, Locked)> {
    let (id, org, now): (ZoneId, _, _) = (tx.id(), tx.org()?, tx.now());
    sqlx::query!(
        "INSERT INTO storefront.zones
             (org_id, id, name, shop_id, area, fee_minor, minimum_minor, currency, pool, rank, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
        org.uuid(),
        id.uuid(),
        details.name,
        details.shop_id.map(ShopId::uuid),
        serde_json::to_value(&details.area)?,
        details.fee_minor,
        details.minimum_minor,
        details.currency.as_str(),
        &pool(&details),
        details.rank,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok((Zone { id, version: 1, details, created_at: now, updated_at: now }, Locked::new(id, 1)))
}

/// Reads a zone.
pub async fn find(tx: &mut Tx, id: ZoneId) -> Result<Option<Zone>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, shop_id, area, fee_minor, minimum_minor, currency, pool, rank,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM storefront.zones WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Zone::try_from).transpose()
}

/// Reads and locks a zone.
pub async fn lock(tx: &mut Tx, id: ZoneId) -> Result<Option<Zone>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, shop_id, area, fee_minor, minimum_minor, currency, pool, rank,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM storefront.zones WHERE org_id = $1 AND id = $2 FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Zone::try_from).transpose()
}

/// Reads and locks the zones of one shop.
pub async fn lock_of_shop(tx: &mut Tx, shop: ShopId) -> Result<Vec<Zone>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, shop_id, area, fee_minor, minimum_minor, currency, pool, rank,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM storefront.zones WHERE org_id = $1 AND shop_id = $2 ORDER BY id FOR UPDATE"#,
        org.uuid(),
        shop.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Zone::try_from).collect()
}

/// Zones, oldest first; those of one shop if it is named.
pub async fn list(tx: &mut Tx, shop: Option<ShopId>, after: Option<Uuid>, limit: i64) -> Result<Vec<Zone>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, shop_id, area, fee_minor, minimum_minor, currency, pool, rank,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM storefront.zones
            WHERE org_id = $1 AND ($2::uuid IS NULL OR shop_id = $2) AND ($3::uuid IS NULL OR id > $3)
            ORDER BY id LIMIT $4"#,
        org.uuid(),
        shop.map(ShopId::uuid),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Zone::try_from).collect()
}

/// How many zones the organisation has, counted up to a limit.
pub async fn count(tx: &mut Tx, limit: i64) -> Result<i64> {
    let org = tx.org()?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (SELECT 1 FROM storefront.zones WHERE org_id = $1 LIMIT $2) z"#,
        org.uuid(),
        limit,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// Writes the details of a locked zone.
pub async fn update(tx: &mut Tx, zone: &Zone, details: ZoneDetails) -> Result<(Zone, Locked)> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE storefront.zones
            SET name = $3, shop_id = $4, area = $5, fee_minor = $6, minimum_minor = $7, currency = $8, pool = $9,
                rank = $10, updated_at = $11, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        zone.id.uuid(),
        details.name,
        details.shop_id.map(ShopId::uuid),
        serde_json::to_value(&details.area)?,
        details.fee_minor,
        details.minimum_minor,
        details.currency.as_str(),
        &pool(&details),
        details.rank,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((Zone { version, details, updated_at: now, ..zone.clone() }, Locked::new(zone.id, version)))
}

/// Removes a locked zone. Its event has the version after its last.
pub async fn delete(tx: &mut Tx, zone: &Zone) -> Result<Locked> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM storefront.zones WHERE org_id = $1 AND id = $2", org.uuid(), zone.id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(Locked::new(zone.id, zone.version + 1))
}
