//! What people were told about drop-offs, with what happened.

use ::eta::accuracy::Judged;
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DriverId, OrderId, ShopId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::{Error, Result};

use crate::domain::accuracy::Said;
use crate::domain::delivery::Delivery;
use crate::domain::eta::Forecast;
use crate::domain::history::CameTrue;

/// Writes down what was told about a locked delivery.
pub async fn predicted(tx: &mut Tx, delivery: &Delivery, driver: DriverId, said: &Forecast) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!(
        "INSERT INTO tracking.eta_predictions
                (org_id, order_id, number, attempt, driver_id, shop_id, made_at, minute, weekend, source, parts_s,
                 stops_before, distance_m, before_pickup, shift, expected_at, earliest_at, latest_at, probability,
                 calibrated)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT (org_id, order_id, number) DO NOTHING",
        org.uuid(),
        delivery.order_id.uuid(),
        delivery.eta_count,
        i32::from(delivery.attempt),
        driver.uuid(),
        delivery.facts.shop_id.map(ShopId::uuid),
        now.to_sqlx() as _,
        i16::try_from(said.minute).unwrap_or_default(),
        said.known.weekend,
        said.window.source,
        said.known.parts_s,
        i32::try_from(said.known.stops_before).unwrap_or(i32::MAX),
        said.known.distance_m,
        said.known.before_pickup,
        said.shift,
        said.window.expected.to_sqlx() as _,
        said.window.earliest.to_sqlx() as _,
        said.window.latest.to_sqlx() as _,
        said.window.probability,
        said.calibrated,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The courier was at the door in this attempt; what was predicted for it has come true or not.
pub async fn happened(tx: &mut Tx, delivery: &Delivery, at: Timestamp) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE tracking.eta_predictions SET happened_at = $4
          WHERE org_id = $1 AND order_id = $2 AND attempt = $3 AND happened_at IS NULL",
        org.uuid(),
        delivery.order_id.uuid(),
        i32::from(delivery.attempt),
        at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The courier was not at the door after all.
pub async fn undone(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE tracking.eta_predictions SET happened_at = NULL WHERE org_id = $1 AND order_id = $2 AND attempt = $3",
        org.uuid(),
        delivery.order_id.uuid(),
        i32::from(delivery.attempt),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Predictions that have come true or not, by the driver who was there in the end; the latest last.
pub async fn came_true(tx: &mut Tx, since: Timestamp) -> Result<Vec<CameTrue>> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        r#"SELECT p.order_id, p.minute, p.weekend, p.parts_s, p.stops_before, p.distance_m, p.before_pickup, p.shift,
                  p.made_at AS "made_at: SqlTime", p.happened_at AS "happened_at!: SqlTime"
             FROM tracking.eta_predictions p
             JOIN tracking.orders o ON o.org_id = p.org_id AND o.id = p.order_id AND o.driver_id = p.driver_id
            WHERE p.org_id = $1 AND p.made_at >= $2 AND p.happened_at > p.made_at
            ORDER BY p.made_at DESC, p.order_id LIMIT $3"#,
        org.uuid(),
        since.to_sqlx() as _,
        super::LEARNED_FROM,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found: Vec<CameTrue> = rows
        .into_iter()
        .map(|row| CameTrue {
            order_id: OrderId::new(row.order_id),
            minute: u16::try_from(row.minute).unwrap_or_default(),
            weekend: row.weekend,
            parts_s: row.parts_s,
            stops_before: u32::try_from(row.stops_before).unwrap_or_default(),
            distance_m: row.distance_m,
            before_pickup: row.before_pickup,
            shift: row.shift,
            took_s: row.happened_at.to_jiff().duration_since(row.made_at.to_jiff()).as_secs_f64(),
        })
        .collect();
    found.reverse();
    Ok(found)
}

/// What was said in a period and has happened, the latest `limit` of it.
pub async fn said(
    tx: &mut Tx,
    period: (Timestamp, Timestamp),
    shop: Option<ShopId>,
    limit: i64,
) -> Result<Vec<Said>> {
    struct Row {
        shop_id: Option<Uuid>,
        minute: i16,
        made_at: SqlTime,
        expected_at: SqlTime,
        earliest_at: SqlTime,
        latest_at: SqlTime,
        happened_at: SqlTime,
        probability: f32,
    }
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT shop_id, minute, made_at AS "made_at: SqlTime", expected_at AS "expected_at: SqlTime",
                  earliest_at AS "earliest_at: SqlTime", latest_at AS "latest_at: SqlTime",
                  happened_at AS "happened_at!: SqlTime", probability
             FROM tracking.eta_predictions
            WHERE org_id = $1 AND made_at >= $2 AND made_at < $3 AND happened_at IS NOT NULL
              AND ($4::uuid IS NULL OR shop_id = $4)
            ORDER BY made_at DESC, order_id LIMIT $5"#,
        org.uuid(),
        period.0.to_sqlx() as _,
        period.1.to_sqlx() as _,
        shop.map(ShopId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let said = |row: Row| {
        let made_at = row.made_at.to_jiff();
        let from_then = |at: SqlTime| at.to_jiff().duration_since(made_at).as_secs_f64();
        Ok(Said {
            judged: Judged {
                expected_s: from_then(row.expected_at),
                earliest_s: from_then(row.earliest_at),
                latest_s: from_then(row.latest_at),
                actual_s: from_then(row.happened_at),
                probability: f64::from(row.probability),
            },
            hour: u8::try_from(row.minute / 60).map_err(Error::internal)?,
            shop_id: row.shop_id.map(ShopId::new),
        })
    };
    rows.into_iter().map(said).collect()
}

/// Removes what is older, of all organisations; how many rows.
pub async fn drop_before(tx: &mut Tx, before: Timestamp) -> Result<i64> {
    let rows =
        sqlx::query_scalar!(r#"SELECT tracking.drop_predictions($1) AS "rows!""#, before.to_sqlx() as _,)
            .fetch_one(tx.conn())
            .await?;
    Ok(rows)
}
