//! Vehicles.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{Uuid, VehicleId};
use kernel::load::Capacity;
use kernel::travel::Profile;
use platform::db::Tx;
use platform::{Error, Result};

use crate::entities::{Vehicle, VehicleDetails};

struct Row {
    id: Uuid,
    version: i64,
    profile: String,
    description: Option<String>,
    plate: Option<String>,
    weight_g: Option<i64>,
    volume_ml: Option<i64>,
    count: Option<i64>,
    created_at: SqlTime,
    updated_at: SqlTime,
}

impl TryFrom<Row> for Vehicle {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let profile = Profile::ALL.into_iter().find(|profile| profile.as_str() == row.profile);
        let measure = |number: Option<i64>| number.map(u32::try_from).transpose().map_err(Error::internal);
        Ok(Self {
            id: VehicleId::new(row.id),
            version: row.version,
            details: VehicleDetails {
                profile: profile.ok_or_else(|| Error::internal(format!("no profile: {}", row.profile)))?,
                description: row.description,
                plate: row.plate,
                capacity: Capacity {
                    weight_g: measure(row.weight_g)?,
                    volume_ml: measure(row.volume_ml)?,
                    count: measure(row.count)?,
                },
            },
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// Adds a vehicle.
pub async fn insert(tx: &mut Tx, details: VehicleDetails) -> Result<Vehicle> {
    let (id, org, now): (VehicleId, _, _) = (tx.id(), tx.org()?, tx.now());
    sqlx::query!(
        "INSERT INTO drivers.vehicles
             (org_id, id, profile, description, plate, weight_g, volume_ml, count, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        org.uuid(),
        id.uuid(),
        details.profile.as_str(),
        details.description,
        details.plate,
        details.capacity.weight_g.map(i64::from),
        details.capacity.volume_ml.map(i64::from),
        details.capacity.count.map(i64::from),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(Vehicle { id, version: 1, details, created_at: now, updated_at: now })
}

/// Reads a vehicle.
pub async fn find(tx: &mut Tx, id: VehicleId) -> Result<Option<Vehicle>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, profile, description, plate, weight_g, volume_ml, count,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM drivers.vehicles WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Vehicle::try_from).transpose()
}

/// Reads and locks a vehicle.
pub async fn lock(tx: &mut Tx, id: VehicleId) -> Result<Option<Vehicle>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, profile, description, plate, weight_g, volume_ml, count,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM drivers.vehicles WHERE org_id = $1 AND id = $2 FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Vehicle::try_from).transpose()
}

/// Vehicles, oldest first.
pub async fn list(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<Vehicle>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, profile, description, plate, weight_g, volume_ml, count,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM drivers.vehicles WHERE org_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        org.uuid(),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Vehicle::try_from).collect()
}

/// Writes the details of a locked vehicle.
pub async fn update(tx: &mut Tx, vehicle: &Vehicle, details: VehicleDetails) -> Result<Vehicle> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE drivers.vehicles
            SET profile = $3, description = $4, plate = $5, weight_g = $6, volume_ml = $7, count = $8, updated_at = $9,
                version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        vehicle.id.uuid(),
        details.profile.as_str(),
        details.description,
        details.plate,
        details.capacity.weight_g.map(i64::from),
        details.capacity.volume_ml.map(i64::from),
        details.capacity.count.map(i64::from),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Vehicle { version, details, updated_at: now, ..vehicle.clone() })
}

/// Removes a locked vehicle that nobody drives.
pub async fn delete(tx: &mut Tx, id: VehicleId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM drivers.vehicles WHERE org_id = $1 AND id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
