//! Drivers as their events tell, with the newest position of each.

use contracts::drivers::DriverFacts;
use contracts::tracking::DriverLocation;
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DriverId, OrgId, UserId, Uuid};
use kernel::time::Timestamp;
use kernel::travel::Profile;
use platform::Result;
use platform::db::{Locked, Tx};

use crate::domain::fix::{Fix, Last};

/// A driver and where the driver was last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Driver {
    /// The driver.
    pub id: DriverId,
    /// How the driver travels.
    pub profile: Profile,
    /// The newest position, with the time it counts as.
    pub last: Option<(Timestamp, DriverLocation)>,
}

impl Driver {
    /// What the next position is compared with.
    pub fn as_last(&self) -> Option<Last> {
        let (at, seen) = self.last.as_ref()?;
        Some(Last { at: *at, position: seen.position, accuracy_m: seen.accuracy_m })
    }
}

struct Row {
    id: Uuid,
    profile: String,
    last_at: Option<SqlTime>,
    last_device_at: Option<SqlTime>,
    last_server_at: Option<SqlTime>,
    last_lat: Option<f64>,
    last_lon: Option<f64>,
    last_accuracy_m: Option<f32>,
    last_speed_m_s: Option<f32>,
    last_heading_deg: Option<f32>,
    last_battery: Option<f32>,
}

impl Row {
    fn read(self) -> Result<Driver> {
        let id = DriverId::new(self.id);
        let times = (self.last_at, self.last_device_at, self.last_server_at);
        let last = match (times, self.last_lat, self.last_lon) {
            ((Some(at), Some(device_at), Some(server_at)), Some(lat), Some(lon)) => {
                let seen = DriverLocation {
                    driver_id: id,
                    position: super::place(lat, lon)?,
                    device_at: device_at.to_jiff(),
                    server_at: server_at.to_jiff(),
                    accuracy_m: self.last_accuracy_m,
                    speed_m_s: self.last_speed_m_s,
                    heading_deg: self.last_heading_deg,
                    battery: self.last_battery,
                };
                Some((at.to_jiff(), seen))
            }
            _ => None,
        };
        let profile = Profile::ALL.into_iter().find(|one| one.as_str() == self.profile);
        Ok(Driver { id, profile: profile.unwrap_or(Profile::Foot), last })
    }
}

/// Takes what an event says, unless something newer is known.
pub async fn put(tx: &mut Tx, id: DriverId, version: i64, facts: &DriverFacts) -> Result<()> {
    let org = tx.org()?;
    let profile = facts.vehicle.as_ref().map_or(Profile::Foot, |vehicle| vehicle.profile);
    sqlx::query!(
        "INSERT INTO tracking.drivers (org_id, id, version, user_id, active, profile) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (org_id, id) DO UPDATE
            SET version = excluded.version, user_id = excluded.user_id, active = excluded.active,
                profile = excluded.profile
          WHERE drivers.version < excluded.version",
        org.uuid(),
        id.uuid(),
        version,
        facts.user_id.map(UserId::uuid),
        facts.active,
        profile.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A driver of the organisation.
pub async fn find(tx: &mut Tx, id: DriverId) -> Result<Option<Driver>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, profile, last_at AS "last_at: SqlTime", last_device_at AS "last_device_at: SqlTime",
                  last_server_at AS "last_server_at: SqlTime", last_lat, last_lon, last_accuracy_m, last_speed_m_s,
                  last_heading_deg, last_battery
             FROM tracking.drivers WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Row::read).transpose()
}

/// The driver with which somebody signs in.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Option<DriverId>> {
    let org = tx.org()?;
    let id = sqlx::query_scalar!(
        "SELECT id FROM tracking.drivers WHERE org_id = $1 AND user_id = $2 ORDER BY active DESC, id LIMIT 1",
        org.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id.map(DriverId::new))
}

/// Those of these drivers who were heard of since; everybody when none is named.
pub async fn seen_since(tx: &mut Tx, ids: &[DriverId], since: Timestamp) -> Result<Vec<DriverLocation>> {
    let org = tx.org()?;
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, profile, last_at AS "last_at: SqlTime", last_device_at AS "last_device_at: SqlTime",
                  last_server_at AS "last_server_at: SqlTime", last_lat, last_lon, last_accuracy_m, last_speed_m_s,
                  last_heading_deg, last_battery
             FROM tracking.drivers
            WHERE org_id = $1 AND (cardinality($2::uuid[]) = 0 OR id = ANY ($2)) AND last_server_at >= $3
            ORDER BY id"#,
        org.uuid(),
        &ids,
        since.to_sqlx() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let drivers: Vec<Driver> = rows.into_iter().map(Row::read).collect::<Result<_>>()?;
    Ok(drivers.into_iter().filter_map(|driver| driver.last.map(|(_, seen)| seen)).collect())
}

/// Locks drivers in the order of their ids, so that two batches never wait for each other in a circle.
pub async fn lock(tx: &mut Tx, ids: &[DriverId]) -> Result<Vec<Driver>> {
    let org = tx.org()?;
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, profile, last_at AS "last_at: SqlTime", last_device_at AS "last_device_at: SqlTime",
                  last_server_at AS "last_server_at: SqlTime", last_lat, last_lon, last_accuracy_m, last_speed_m_s,
                  last_heading_deg, last_battery
             FROM tracking.drivers WHERE org_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE"#,
        org.uuid(),
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes the newest positions of locked drivers, who are heard of again.
pub async fn seen(tx: &mut Tx, newest: &[(DriverId, Fix)]) -> Result<()> {
    let org = tx.org()?;
    let each = |pick: fn(&Fix) -> Timestamp| -> Vec<SqlTime> {
        newest.iter().map(|(_, fix)| pick(fix).to_sqlx()).collect()
    };
    let measure = |pick: fn(&Fix) -> Option<f32>| -> Vec<Option<f32>> {
        newest.iter().map(|(_, fix)| pick(fix)).collect()
    };
    let ids: Vec<Uuid> = newest.iter().map(|(id, _)| id.uuid()).collect();
    let lats: Vec<f64> = newest.iter().map(|(_, fix)| fix.position.lat()).collect();
    let lons: Vec<f64> = newest.iter().map(|(_, fix)| fix.position.lon()).collect();
    sqlx::query!(
        "UPDATE tracking.drivers d
            SET last_at = n.at, last_device_at = n.device_at, last_server_at = n.server_at, last_lat = n.lat,
                last_lon = n.lon, last_accuracy_m = n.accuracy, last_speed_m_s = n.speed, last_heading_deg = n.heading,
                last_battery = n.battery, stale_since = NULL
           FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::float8[], $7::float8[],
                       $8::real[], $9::real[], $10::real[], $11::real[])
                AS n (id, at, device_at, server_at, lat, lon, accuracy, speed, heading, battery)
          WHERE d.org_id = $1 AND d.id = n.id",
        org.uuid(),
        &ids,
        &each(|fix| fix.at) as _,
        &each(|fix| fix.device_at) as _,
        &each(|fix| fix.server_at) as _,
        &lats,
        &lons,
        &measure(|fix| fix.accuracy_m) as _,
        &measure(|fix| fix.speed_m_s) as _,
        &measure(|fix| fix.heading_deg) as _,
        &measure(|fix| fix.battery) as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Drivers of all organisations who carry or fetch an order and have been silent since then.
pub async fn silent(tx: &mut Tx, before: Timestamp) -> Result<Vec<(OrgId, DriverId)>> {
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", id AS "id!" FROM tracking.silent_drivers($1) ORDER BY 1, 2"#,
        before.to_sqlx() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (OrgId::new(row.org_id), DriverId::new(row.id))).collect())
}

/// Marks a driver as silent, unless positions have come meanwhile or it was marked; since when, and the lock to tell it.
pub async fn mark_silent(
    tx: &mut Tx,
    id: DriverId,
    before: Timestamp,
) -> Result<Option<(Option<Timestamp>, Locked)>> {
    let (org, now) = (tx.org()?, tx.now());
    let row = sqlx::query!(
        r#"UPDATE tracking.drivers SET stale_since = $3, stale_count = stale_count + 1
            WHERE org_id = $1 AND id = $2 AND stale_since IS NULL AND (last_server_at IS NULL OR last_server_at < $4)
            RETURNING last_at AS "last_at: SqlTime", stale_count"#,
        org.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
        before.to_sqlx() as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (super::time(row.last_at), Locked::new(id, row.stale_count))))
}
