//! Devices with apps that are not ours.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DeviceId, DriverId, OrgId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::{Error, Result};

use crate::domain::fix::Fix;
use crate::domain::protocols::Protocol;
use crate::domain::secret;

/// A device.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Device {
    /// Identifier.
    pub id: DeviceId,
    /// Whose positions it reports.
    pub driver_id: DriverId,
    /// What people call it.
    pub name: String,
    /// The app.
    pub protocol: Protocol,
    /// Version.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last sent anything readable.
    pub last_seen_at: Option<Timestamp>,
    /// Device time of its newest accepted position.
    pub last_fix_at: Option<Timestamp>,
    /// Its clock minus ours, seconds.
    pub clock_skew_s: Option<f64>,
    /// Radius of its error, metres.
    pub accuracy_m: Option<f32>,
    /// 0 to 1.
    pub battery: Option<f32>,
}

/// What is known of a device before its organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Whose.
    pub org: OrgId,
    /// Which.
    pub id: DeviceId,
    /// Whose positions it reports.
    pub driver_id: DriverId,
}

/// The device with this secret, in whatever organisation.
pub async fn locate(tx: &mut Tx, secret: &str) -> Result<Option<Located>> {
    let row = sqlx::query!(
        r#"SELECT org_id AS "org_id!", id AS "id!", driver_id AS "driver_id!" FROM tracking.find_device($1)"#,
        secret::hash(secret),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Located {
        org: OrgId::new(row.org_id),
        id: DeviceId::new(row.id),
        driver_id: DriverId::new(row.driver_id),
    }))
}

/// Adds a device.
pub async fn insert(
    tx: &mut Tx,
    driver: DriverId,
    name: &str,
    protocol: Protocol,
    secret: &str,
) -> Result<Device> {
    let (org, now) = (tx.org()?, tx.now());
    let id: DeviceId = tx.id();
    sqlx::query!(
        "INSERT INTO tracking.devices (org_id, id, driver_id, name, protocol, secret_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        org.uuid(),
        id.uuid(),
        driver.uuid(),
        name,
        protocol.as_str(),
        secret::hash(secret),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(Device {
        id,
        driver_id: driver,
        name: name.to_owned(),
        protocol,
        version: 1,
        created_at: now,
        last_seen_at: None,
        last_fix_at: None,
        clock_skew_s: None,
        accuracy_m: None,
        battery: None,
    })
}

/// Devices of a driver, oldest first.
pub async fn list(tx: &mut Tx, driver: DriverId, after: Option<Uuid>, limit: i64) -> Result<Vec<Device>> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        r#"SELECT id, driver_id, name, protocol, version, created_at AS "created_at: SqlTime",
                  last_seen_at AS "last_seen_at: SqlTime", last_fix_at AS "last_fix_at: SqlTime", clock_skew_s, accuracy_m,
                  battery
             FROM tracking.devices WHERE org_id = $1 AND driver_id = $2 AND ($3::uuid IS NULL OR id > $3)
            ORDER BY id LIMIT $4"#,
        org.uuid(),
        driver.uuid(),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Device {
                id: DeviceId::new(row.id),
                driver_id: DriverId::new(row.driver_id),
                name: row.name,
                protocol: Protocol::parse(&row.protocol)
                    .ok_or_else(|| Error::internal("an unknown protocol"))?,
                version: row.version,
                created_at: row.created_at.to_jiff(),
                last_seen_at: super::time(row.last_seen_at),
                last_fix_at: super::time(row.last_fix_at),
                clock_skew_s: row.clock_skew_s,
                accuracy_m: row.accuracy_m,
                battery: row.battery,
            })
        })
        .collect()
}

/// Removes a device of a driver; false when there is none.
pub async fn delete(tx: &mut Tx, driver: DriverId, id: DeviceId) -> Result<bool> {
    let org = tx.org()?;
    let done = sqlx::query!(
        "DELETE FROM tracking.devices WHERE org_id = $1 AND driver_id = $2 AND id = $3",
        org.uuid(),
        driver.uuid(),
        id.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that a device was heard of, with its newest accepted position, if any.
pub async fn heard(tx: &mut Tx, id: DeviceId, newest: Option<&Fix>) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    let skew = newest.map(|fix| fix.device_at.duration_since(fix.server_at).as_secs_f64());
    sqlx::query!(
        "UPDATE tracking.devices
            SET last_seen_at = $3,
                last_fix_at = CASE WHEN $4::timestamptz > last_fix_at OR last_fix_at IS NULL THEN $4 ELSE last_fix_at END,
                clock_skew_s = coalesce($5, clock_skew_s), accuracy_m = coalesce($6, accuracy_m),
                battery = coalesce($7, battery)
          WHERE org_id = $1 AND id = $2",
        org.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
        newest.map(|fix| fix.device_at.to_sqlx()) as _,
        skew,
        newest.and_then(|fix| fix.accuracy_m),
        newest.and_then(|fix| fix.battery),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
