//! Where couriers handed over, and the doors that were learned from it.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::time::Timestamp;
use osm::Point;
use places::doors::{Door, Fix};
use platform::Result;
use platform::db::Tx;

use crate::domain::doors::{Handover, KnownDoor};

/// From so many hand-overs doors are learned, the latest.
const HANDOVERS: i64 = 50_000;

/// Notes where couriers stood when they handed over since then: the position of the time when proof was captured, else when it
/// was said to be delivered. How many are new.
pub async fn note_handovers(tx: &mut Tx, since: Timestamp) -> Result<u64> {
    let org = tx.org()?;
    let done = sqlx::query!(
        "INSERT INTO tracking.handovers (org_id, order_id, at, lat, lon, accuracy_m, address_lat, address_lon)
         SELECT o.org_id, o.id, h.at, p.lat, p.lon, p.accuracy_m,
                (o.facts #>> '{dropoff,position,lat}')::float8, (o.facts #>> '{dropoff,position,lon}')::float8
           FROM tracking.orders o
          CROSS JOIN LATERAL (SELECT coalesce((SELECT max(u.at) FROM tracking.delivery_updates u
                                                WHERE u.org_id = o.org_id AND u.order_id = o.id AND u.kind = 'proof'
                                                  AND u.attempt = o.attempt
                                                  AND u.at BETWEEN o.ended_at - interval '15 minutes' AND o.ended_at),
                                              o.ended_at) AS at) h
          CROSS JOIN LATERAL (SELECT p.lat, p.lon, p.accuracy_m FROM tracking.positions p
                               WHERE p.org_id = o.org_id AND p.driver_id = o.driver_id AND p.accuracy_m IS NOT NULL
                                 AND p.day BETWEEN ((h.at - interval '1 minute') AT TIME ZONE 'UTC')::date
                                               AND ((h.at + interval '1 minute') AT TIME ZONE 'UTC')::date
                                 AND p.device_at BETWEEN h.at - interval '1 minute' AND h.at + interval '1 minute'
                               ORDER BY abs(extract(epoch FROM p.device_at - h.at)) LIMIT 1) p
          WHERE o.org_id = $1 AND o.ended_at >= $2 AND o.status = 'delivered'
            AND o.facts #>> '{dropoff,position,lat}' IS NOT NULL
         ON CONFLICT (org_id, order_id) DO NOTHING",
        org.uuid(),
        since.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Hand-overs, the latest first.
pub async fn handovers(tx: &mut Tx) -> Result<Vec<Handover>> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        "SELECT lat, lon, accuracy_m, address_lat, address_lon FROM tracking.handovers
          WHERE org_id = $1 ORDER BY at DESC LIMIT $2",
        org.uuid(),
        HANDOVERS,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Handover {
            address: Point::from_degrees(row.address_lat, row.address_lon),
            fix: Fix { point: Point::from_degrees(row.lat, row.lon), accuracy_m: f64::from(row.accuracy_m) },
        })
        .collect())
}

/// When doors were learned; `None`: none were.
pub async fn learned_at(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let org = tx.org()?;
    let at = sqlx::query_scalar!(
        r#"SELECT learned_at AS "learned_at: SqlTime" FROM tracking.doors WHERE org_id = $1 LIMIT 1"#,
        org.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(super::time(at))
}

/// All doors.
pub async fn list(tx: &mut Tx) -> Result<Vec<KnownDoor>> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        "SELECT street, house, address_lat, address_lon, lat, lon, spread_m, positions
           FROM tracking.doors WHERE org_id = $1 ORDER BY number",
        org.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| KnownDoor {
            street: row.street,
            house: row.house,
            address: Point::from_degrees(row.address_lat, row.address_lon),
            door: Door {
                point: Point::from_degrees(row.lat, row.lon),
                spread_m: f64::from(row.spread_m),
                n: usize::try_from(row.positions).unwrap_or_default(),
            },
        })
        .collect())
}

/// Puts doors in place of all that were known.
pub async fn replace(tx: &mut Tx, doors: &[KnownDoor]) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!("DELETE FROM tracking.doors WHERE org_id = $1", org.uuid()).execute(tx.conn()).await?;
    let each = |pick: fn(&KnownDoor) -> f64| -> Vec<f64> { doors.iter().map(pick).collect() };
    let streets: Vec<String> = doors.iter().map(|door| door.street.clone()).collect();
    let houses: Vec<String> = doors.iter().map(|door| door.house.clone()).collect();
    let counts: Vec<i32> = doors.iter().map(|door| i32::try_from(door.door.n).unwrap_or(i32::MAX)).collect();
    sqlx::query!(
        "INSERT INTO tracking.doors (org_id, number, learned_at, street, house, address_lat, address_lon, lat, lon,
                                     spread_m, positions)
         SELECT $1, d.number::integer, $2, d.street, d.house, d.address_lat, d.address_lon, d.lat, d.lon, d.spread::real,
                d.positions
           FROM unnest($3::text[], $4::text[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::float8[],
                       $10::integer[])
                WITH ORDINALITY AS d (street, house, address_lat, address_lon, lat, lon, spread, positions, number)",
        org.uuid(),
        now.to_sqlx() as _,
        &streets,
        &houses,
        &each(|door| door.address.lat()),
        &each(|door| door.address.lon()),
        &each(|door| door.door.point.lat()),
        &each(|door| door.door.point.lon()),
        &each(|door| door.door.spread_m),
        &counts,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes hand-overs that are older, of all organisations; how many.
pub async fn drop_before(tx: &mut Tx, before: Timestamp) -> Result<i64> {
    let rows = sqlx::query_scalar!(r#"SELECT tracking.drop_handovers($1) AS "rows!""#, before.to_sqlx() as _)
        .fetch_one(tx.conn())
        .await?;
    Ok(rows)
}
