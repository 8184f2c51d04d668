//! Quotes: written once, removed by the purge.

use jiff_sqlx::ToSqlx;
use kernel::ids::ShopId;
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::{Error, Result};

use crate::domain::eta::PROBABILITY;
use crate::entities::Quote;

/// Keeps a quote.
pub async fn insert(tx: &mut Tx, quote: &Quote) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    let number = |number: u32| i32::try_from(number).map_err(Error::internal);
    sqlx::query!(
        "INSERT INTO storefront.quotes
             (org_id, id, shop_id, zone_id, pickup_lat, pickup_lon, dropoff_lat, dropoff_lon, value_minor, fee_minor,
              currency, earliest, expected, latest, probability, source, distance_m, duration_s, created_at, valid_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        org.uuid(),
        quote.id.uuid(),
        quote.shop_id.map(ShopId::uuid),
        quote.zone.as_ref().map(|(zone, _)| zone.uuid()),
        quote.pickup.lat(),
        quote.pickup.lon(),
        quote.dropoff.lat(),
        quote.dropoff.lon(),
        quote.value_minor,
        quote.fee.map(|fee| fee.amount_minor),
        quote.fee.map(|fee| fee.currency.to_string()),
        quote.window.earliest.to_sqlx() as _,
        quote.window.expected.to_sqlx() as _,
        quote.window.latest.to_sqlx() as _,
        PROBABILITY,
        quote.source,
        number(quote.distance_m)?,
        number(quote.duration_s)?,
        now.to_sqlx() as _,
        quote.valid_until.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes the quotes of all organisations that ended before; how many. A named function: it looks across organisations.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<i64> {
    let gone = sqlx::query_scalar!(r#"SELECT storefront.purge_quotes($1) AS "gone!""#, before.to_sqlx() as _)
        .fetch_one(tx.conn())
        .await?;
    Ok(gone)
}
