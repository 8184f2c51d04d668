//! The history of positions, in partitions of a day each.

use std::collections::HashMap;

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::geo::Position;
use kernel::ids::{DriverId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;

use crate::domain::fix::{Fix, Last};

/// One row to be.
#[derive(Debug, Clone, Copy)]
pub struct NewPosition {
    /// Whose.
    pub driver_id: DriverId,
    /// The device or key; nil for our own app.
    pub source: Uuid,
    /// What.
    pub fix: Fix,
}

/// What makes a position the same as another one.
pub type PositionKey = (Uuid, i64, Uuid, i64);

impl NewPosition {
    /// What makes it the same as another one: driver, device time in microseconds, source, number.
    pub fn key(&self) -> PositionKey {
        (self.driver_id.uuid(), self.fix.device_at.as_microsecond(), self.source, self.fix.sequence)
    }
}

/// Writes a batch in one statement; the keys of those that were new.
pub async fn insert(tx: &mut Tx, rows: &[NewPosition]) -> Result<Vec<PositionKey>> {
    let org = tx.org()?;
    let each = |pick: fn(&Fix) -> Timestamp| -> Vec<SqlTime> {
        rows.iter().map(|row| pick(&row.fix).to_sqlx()).collect()
    };
    let measure = |pick: fn(&Fix) -> Option<f32>| -> Vec<Option<f32>> {
        rows.iter().map(|row| pick(&row.fix)).collect()
    };
    let drivers: Vec<Uuid> = rows.iter().map(|row| row.driver_id.uuid()).collect();
    let sources: Vec<Uuid> = rows.iter().map(|row| row.source).collect();
    let sequences: Vec<i64> = rows.iter().map(|row| row.fix.sequence).collect();
    let lats: Vec<f64> = rows.iter().map(|row| row.fix.position.lat()).collect();
    let lons: Vec<f64> = rows.iter().map(|row| row.fix.position.lon()).collect();
    let ahead: Vec<bool> = rows.iter().map(|row| row.fix.clock_ahead).collect();
    let new = sqlx::query!(
        r#"INSERT INTO tracking.positions (org_id, driver_id, day, device_at, source, sequence, at, server_at, lat, lon,
                                           accuracy_m, speed_m_s, heading_deg, altitude_m, battery, clock_ahead)
           SELECT $1, n.driver, (n.device_at AT TIME ZONE 'UTC')::date, n.device_at, n.source, n.sequence, n.at,
                  n.server_at, n.lat, n.lon, n.accuracy, n.speed, n.heading, n.altitude, n.battery, n.ahead
             FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
                         $8::float8[], $9::float8[], $10::real[], $11::real[], $12::real[], $13::real[], $14::real[],
                         $15::boolean[])
                  AS n (driver, device_at, source, sequence, at, server_at, lat, lon, accuracy, speed, heading, altitude,
                        battery, ahead)
           ON CONFLICT DO NOTHING
           RETURNING driver_id, device_at AS "device_at: SqlTime", source, sequence"#,
        org.uuid(),
        &drivers,
        &each(|fix| fix.device_at) as _,
        &sources,
        &sequences,
        &each(|fix| fix.at) as _,
        &each(|fix| fix.server_at) as _,
        &lats,
        &lons,
        &measure(|fix| fix.accuracy_m) as _,
        &measure(|fix| fix.speed_m_s) as _,
        &measure(|fix| fix.heading_deg) as _,
        &measure(|fix| fix.altitude_m) as _,
        &measure(|fix| fix.battery) as _,
        &ahead,
    )
    .fetch_all(tx.conn())
    .await?;
    let key = |device_at: SqlTime| device_at.to_jiff().as_microsecond();
    Ok(new.into_iter().map(|row| (row.driver_id, key(row.device_at), row.source, row.sequence)).collect())
}

/// For each moment of a driver, the accepted position at or before it, within the day or the one before.
pub async fn neighbours(
    tx: &mut Tx,
    moments: &[(DriverId, Timestamp)],
) -> Result<HashMap<(DriverId, Timestamp), Last>> {
    let org = tx.org()?;
    let drivers: Vec<Uuid> = moments.iter().map(|(driver, _)| driver.uuid()).collect();
    let times: Vec<SqlTime> = moments.iter().map(|(_, at)| at.to_sqlx()).collect();
    let rows = sqlx::query!(
        r#"SELECT m.driver AS "driver!", m.moment AS "moment!: SqlTime", p.at AS "at: SqlTime", p.lat, p.lon, p.accuracy_m
             FROM unnest($2::uuid[], $3::timestamptz[]) AS m (driver, moment)
            CROSS JOIN LATERAL (
                  SELECT q.at, q.lat, q.lon, q.accuracy_m FROM tracking.positions q
                   WHERE q.org_id = $1 AND q.driver_id = m.driver AND NOT q.clock_ahead
                     AND q.day BETWEEN (m.moment AT TIME ZONE 'UTC')::date - 1 AND (m.moment AT TIME ZONE 'UTC')::date
                     AND q.device_at <= m.moment
                   ORDER BY q.day DESC, q.device_at DESC LIMIT 1) p"#,
        org.uuid(),
        &drivers,
        &times as _,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let position = super::place(row.lat, row.lon)?;
            let last = Last { at: row.at.to_jiff(), position, accuracy_m: row.accuracy_m };
            Ok(((DriverId::new(row.driver), row.moment.to_jiff()), last))
        })
        .collect()
}

/// A position of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Where.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// By the device's clock.
    pub device_at: Timestamp,
    /// When it arrived.
    pub server_at: Timestamp,
    /// The device or key; nil for our own app.
    pub source: Uuid,
    /// The device's number, -1 where it has none.
    pub sequence: i64,
    /// Radius of the error, metres.
    pub accuracy_m: Option<f32>,
    /// Metres per second.
    pub speed_m_s: Option<f32>,
    /// Degrees clockwise from north.
    pub heading_deg: Option<f32>,
    /// Metres.
    pub altitude_m: Option<f32>,
    /// 0 to 1.
    pub battery: Option<f32>,
    /// The device's clock was ahead.
    pub clock_ahead: bool,
}

/// Behind which position a page goes on: time, device time, source, number.
pub type After = (Timestamp, Timestamp, Uuid, i64);

/// The history of a driver in a span of time, oldest first.
pub async fn list(
    tx: &mut Tx,
    driver: DriverId,
    (from, until): (Timestamp, Timestamp),
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Past>> {
    let org = tx.org()?;
    let (at, device_at, source, sequence) =
        after.unwrap_or((Timestamp::MIN, Timestamp::MIN, Uuid::nil(), -2));
    let behind = after.is_some();
    let rows = sqlx::query!(
        r#"SELECT at AS "at: SqlTime", device_at AS "device_at: SqlTime", server_at AS "server_at: SqlTime", source, sequence,
                  lat, lon, accuracy_m, speed_m_s, heading_deg, altitude_m, battery, clock_ahead
             FROM tracking.positions
            WHERE org_id = $1 AND driver_id = $2 AND at >= $3 AND at < $4
              AND day >= ($3 AT TIME ZONE 'UTC')::date
              AND (clock_ahead OR day <= ($4 AT TIME ZONE 'UTC')::date)
              AND (NOT $5 OR (at, device_at, source, sequence) > ($6, $7, $8, $9))
            ORDER BY at, device_at, source, sequence LIMIT $10"#,
        org.uuid(),
        driver.uuid(),
        from.to_sqlx() as _,
        until.to_sqlx() as _,
        behind,
        (if behind { at } else { from }).to_sqlx() as _,
        (if behind { device_at } else { from }).to_sqlx() as _,
        source,
        sequence,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Past {
                position: super::place(row.lat, row.lon)?,
                at: row.at.to_jiff(),
                device_at: row.device_at.to_jiff(),
                server_at: row.server_at.to_jiff(),
                source: row.source,
                sequence: row.sequence,
                accuracy_m: row.accuracy_m,
                speed_m_s: row.speed_m_s,
                heading_deg: row.heading_deg,
                altitude_m: row.altitude_m,
                battery: row.battery,
                clock_ahead: row.clock_ahead,
            })
        })
        .collect()
}

/// Makes partitions for the days around this moment; how many were missing.
pub async fn ensure_days(tx: &mut Tx, now: Timestamp) -> Result<i32> {
    let made = sqlx::query_scalar!(
        r#"SELECT tracking.ensure_positions(($1::timestamptz AT TIME ZONE 'UTC')::date, 2) AS "made!""#,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(made)
}

/// Removes what is older than it is kept, of all organisations; how many whole days.
pub async fn drop_days(tx: &mut Tx, now: Timestamp) -> Result<i32> {
    let dropped = sqlx::query_scalar!(
        r#"SELECT tracking.drop_positions(($1::timestamptz AT TIME ZONE 'UTC')::date) AS "dropped!""#,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(dropped)
}
