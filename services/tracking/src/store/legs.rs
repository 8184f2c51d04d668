//! What ways were said to take when the courier set out, and when they ended.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DriverId, OrgId, ShopId};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;

use crate::domain::delivery::Delivery;
use crate::domain::eta::Way;
use crate::domain::history::EndedWay;
use crate::domain::timeline::Stop;

/// The courier of a locked delivery has set out.
pub async fn set_out(
    tx: &mut Tx,
    delivery: &Delivery,
    driver: DriverId,
    way: &Way,
    begun_at: Timestamp,
) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO tracking.eta_legs (org_id, order_id, attempt, stop, driver_id, shop_id, source, begun_at, hour,
                                        said_s, expected_s, distance_m, class_s)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (org_id, order_id, attempt, stop) DO NOTHING",
        org.uuid(),
        delivery.order_id.uuid(),
        i32::from(delivery.attempt),
        way.stop.as_str(),
        driver.uuid(),
        delivery.facts.shop_id.map(ShopId::uuid),
        way.source,
        begun_at.to_sqlx() as _,
        i16::from(way.hour),
        way.said_s,
        way.expected_s,
        way.distance_m,
        way.class_s.as_deref(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The way of a locked delivery ended; the seconds that were expected and those that it took, if this driver set out for it.
pub async fn arrived(
    tx: &mut Tx,
    delivery: &Delivery,
    driver: DriverId,
    stop: Stop,
    at: Timestamp,
) -> Result<Option<(f64, f64)>> {
    let org = tx.org()?;
    let row = sqlx::query!(
        r#"UPDATE tracking.eta_legs SET ended_at = $6
            WHERE org_id = $1 AND order_id = $2 AND attempt = $3 AND stop = $4 AND driver_id = $5 AND ended_at IS NULL
              AND begun_at < $6
           RETURNING expected_s, begun_at AS "begun_at: SqlTime""#,
        org.uuid(),
        delivery.order_id.uuid(),
        i32::from(delivery.attempt),
        stop.as_str(),
        driver.uuid(),
        at.to_sqlx() as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.expected_s, at.duration_since(row.begun_at.to_jiff()).as_secs_f64())))
}

/// The courier was not at the door after all.
pub async fn undone(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE tracking.eta_legs SET ended_at = NULL
          WHERE org_id = $1 AND order_id = $2 AND attempt = $3 AND stop = 'dropoff'",
        org.uuid(),
        delivery.order_id.uuid(),
        i32::from(delivery.attempt),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ways that ended since then, the latest first.
pub async fn ended(tx: &mut Tx, since: Timestamp) -> Result<Vec<EndedWay>> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        r#"SELECT source, hour, said_s, class_s, begun_at AS "begun_at: SqlTime", ended_at AS "ended_at!: SqlTime"
             FROM tracking.eta_legs WHERE org_id = $1 AND begun_at >= $2 AND ended_at IS NOT NULL
            ORDER BY begun_at DESC LIMIT $3"#,
        org.uuid(),
        since.to_sqlx() as _,
        super::LEARNED_FROM,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| EndedWay {
            source: row.source,
            hour: u8::try_from(row.hour).unwrap_or_default(),
            said_s: row.said_s,
            class_s: row.class_s,
            took_s: row.ended_at.to_jiff().duration_since(row.begun_at.to_jiff()).as_secs_f64(),
        })
        .collect())
}

/// Organisations in which couriers set out since then.
pub async fn orgs(tx: &mut Tx, since: Timestamp) -> Result<Vec<OrgId>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT org_id AS "org_id!" FROM tracking.orgs_with_arrivals($1) ORDER BY 1"#,
        since.to_sqlx() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(OrgId::new).collect())
}
