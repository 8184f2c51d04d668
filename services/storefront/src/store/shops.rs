//! Shops. A deleted one is found by nothing here.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::geo::Position;
use kernel::ids::{ShopId, Uuid};
use platform::db::{Locked, Tx};
use platform::{Error, Result};

use crate::entities::{Shop, ShopDetails};

struct Row {
    id: Uuid,
    version: i64,
    name: String,
    number_prefix: String,
    street: String,
    postcode: String,
    city: String,
    country: String,
    lat: Option<f64>,
    lon: Option<f64>,
    phone: Option<String>,
    time_zone: String,
    currency: String,
    opening_hours: Option<serde_json::Value>,
    preparation_minutes: i32,
    service_minutes: i32,
    created_at: SqlTime,
    updated_at: SqlTime,
}

impl TryFrom<Row> for Shop {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let minutes = |number: i32| u16::try_from(number).map_err(Error::internal);
        Ok(Self {
            id: ShopId::new(row.id),
            version: row.version,
            details: ShopDetails {
                name: row.name,
                number_prefix: row.number_prefix,
                street: row.street,
                postcode: row.postcode,
                city: row.city,
                country: row.country,
                position: super::position(row.lat, row.lon)?,
                phone: row.phone,
                time_zone: row.time_zone,
                currency: row.currency.parse().map_err(Error::internal)?,
                opening_hours: row.opening_hours.map(serde_json::from_value).transpose()?,
                preparation_minutes: minutes(row.preparation_minutes)?,
                service_minutes: minutes(row.service_minutes)?,
            },
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// Adds a shop.
pub async fn insert(tx: &mut Tx, details: ShopDetails) -> Result<(Shop, Locked)> {
    let (id, org, now): (ShopId, _, _) = (tx.id(), tx.org()?, tx.now());
    let hours = details.opening_hours.as_ref().map(serde_json::to_value).transpose()?;
    sqlx::query!(
        "INSERT INTO storefront.shops
             (org_id, id, name, number_prefix, street, postcode, city, country, lat, lon, phone, time_zone, currency,
              opening_hours, preparation_minutes, service_minutes, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)",
        org.uuid(),
        id.uuid(),
        details.name,
        details.number_prefix,
        details.street,
        details.postcode,
        details.city,
        details.country,
        details.position.map(Position::lat),
        details.position.map(Position::lon),
        details.phone,
        details.time_zone,
        details.currency.as_str(),
        hours,
        i32::from(details.preparation_minutes),
        i32::from(details.service_minutes),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok((Shop { id, version: 1, details, created_at: now, updated_at: now }, Locked::new(id, 1)))
}

/// Reads a shop.
pub async fn find(tx: &mut Tx, id: ShopId) -> Result<Option<Shop>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, number_prefix, street, postcode, city, country, lat, lon, phone, time_zone, currency,
                  opening_hours, preparation_minutes, service_minutes, created_at AS "created_at: SqlTime",
                  updated_at AS "updated_at: SqlTime"
             FROM storefront.shops WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Shop::try_from).transpose()
}

/// Reads and locks a shop.
pub async fn lock(tx: &mut Tx, id: ShopId) -> Result<Option<Shop>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, number_prefix, street, postcode, city, country, lat, lon, phone, time_zone, currency,
                  opening_hours, preparation_minutes, service_minutes, created_at AS "created_at: SqlTime",
                  updated_at AS "updated_at: SqlTime"
             FROM storefront.shops WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Shop::try_from).transpose()
}

/// Whether there is such a shop, which then stays until the transaction ends.
pub async fn hold(tx: &mut Tx, id: ShopId) -> Result<bool> {
    let org = tx.org()?;
    let found = sqlx::query_scalar!(
        "SELECT id FROM storefront.shops WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL FOR SHARE",
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.is_some())
}

/// Shops, oldest first.
pub async fn list(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<Shop>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, number_prefix, street, postcode, city, country, lat, lon, phone, time_zone, currency,
                  opening_hours, preparation_minutes, service_minutes, created_at AS "created_at: SqlTime",
                  updated_at AS "updated_at: SqlTime"
             FROM storefront.shops
            WHERE org_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        org.uuid(),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Shop::try_from).collect()
}

/// Writes the details of a locked shop.
pub async fn update(tx: &mut Tx, shop: &Shop, details: ShopDetails) -> Result<(Shop, Locked)> {
    let (org, now) = (tx.org()?, tx.now());
    let hours = details.opening_hours.as_ref().map(serde_json::to_value).transpose()?;
    let version = sqlx::query_scalar!(
        "UPDATE storefront.shops
            SET name = $3, number_prefix = $4, street = $5, postcode = $6, city = $7, country = $8, lat = $9, lon = $10,
                phone = $11, time_zone = $12, currency = $13, opening_hours = $14, preparation_minutes = $15,
                service_minutes = $16, updated_at = $17, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        shop.id.uuid(),
        details.name,
        details.number_prefix,
        details.street,
        details.postcode,
        details.city,
        details.country,
        details.position.map(Position::lat),
        details.position.map(Position::lon),
        details.phone,
        details.time_zone,
        details.currency.as_str(),
        hours,
        i32::from(details.preparation_minutes),
        i32::from(details.service_minutes),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((Shop { version, details, updated_at: now, ..shop.clone() }, Locked::new(shop.id, version)))
}

/// Deletes a locked shop: its row stays, because orders name it.
pub async fn delete(tx: &mut Tx, id: ShopId) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE storefront.shops SET deleted_at = $3, updated_at = $3, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(id, version))
}
