//! Shifts. They change under the row lock of their driver, which keeps them from overlapping.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DriverId, ShiftId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::{Error, Result};

use crate::entities::{Shift, ShiftDetails};

struct Row {
    id: Uuid,
    version: i64,
    driver_id: Uuid,
    starts_at: SqlTime,
    ends_at: SqlTime,
    breaks: serde_json::Value,
    created_at: SqlTime,
    updated_at: SqlTime,
}

impl TryFrom<Row> for Shift {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: ShiftId::new(row.id),
            version: row.version,
            details: ShiftDetails {
                driver_id: DriverId::new(row.driver_id),
                from: row.starts_at.to_jiff(),
                until: row.ends_at.to_jiff(),
                breaks: serde_json::from_value(row.breaks)?,
            },
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// Plans a shift.
pub async fn insert(tx: &mut Tx, details: ShiftDetails) -> Result<Shift> {
    let (id, org, now): (ShiftId, _, _) = (tx.id(), tx.org()?, tx.now());
    sqlx::query!(
        "INSERT INTO drivers.shifts (org_id, id, driver_id, starts_at, ends_at, breaks, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        org.uuid(),
        id.uuid(),
        details.driver_id.uuid(),
        details.from.to_sqlx() as _,
        details.until.to_sqlx() as _,
        serde_json::to_value(&details.breaks)?,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(Shift { id, version: 1, details, created_at: now, updated_at: now })
}

/// Reads a shift.
pub async fn find(tx: &mut Tx, id: ShiftId) -> Result<Option<Shift>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, driver_id, starts_at AS "starts_at: SqlTime", ends_at AS "ends_at: SqlTime", breaks,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM drivers.shifts WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Shift::try_from).transpose()
}

/// Another shift of the driver that lies in the same time.
pub async fn overlapping(
    tx: &mut Tx,
    details: &ShiftDetails,
    except: Option<ShiftId>,
) -> Result<Option<ShiftId>> {
    let org = tx.org()?;
    let found = sqlx::query_scalar!(
        "SELECT id FROM drivers.shifts
          WHERE org_id = $1 AND driver_id = $2 AND starts_at < $4 AND ends_at > $3 AND ($5::uuid IS NULL OR id <> $5)
          ORDER BY starts_at LIMIT 1",
        org.uuid(),
        details.driver_id.uuid(),
        details.from.to_sqlx() as _,
        details.until.to_sqlx() as _,
        except.map(ShiftId::uuid),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.map(ShiftId::new))
}

/// Which shifts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this driver.
    pub driver: Option<DriverId>,
    /// That end after.
    pub from: Option<Timestamp>,
    /// That begin before.
    pub until: Option<Timestamp>,
}

/// Shifts, earliest first; `after` is the begin and the identifier of the last one that was seen.
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Shift>> {
    let org = tx.org()?;
    // PostgreSQL knows fewer years than the type; nothing was planned before this one.
    let bound = |time: Option<Timestamp>| time.map(|time| time.max(Timestamp::UNIX_EPOCH).to_sqlx());
    let (begin, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, driver_id, starts_at AS "starts_at: SqlTime", ends_at AS "ends_at: SqlTime", breaks,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM drivers.shifts
            WHERE org_id = $1 AND ($2::uuid IS NULL OR driver_id = $2)
              AND ($3::timestamptz IS NULL OR ends_at > $3) AND ($4::timestamptz IS NULL OR starts_at < $4)
              AND ($5::timestamptz IS NULL OR (starts_at, id) > ($5, $6::uuid))
            ORDER BY starts_at, id LIMIT $7"#,
        org.uuid(),
        filter.driver.map(DriverId::uuid),
        bound(filter.from) as _,
        bound(filter.until) as _,
        bound(begin) as _,
        id,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Shift::try_from).collect()
}

/// The driver's shifts that have not ended and begin before a moment, earliest first, for an event that tells them.
pub async fn tell(tx: &mut Tx, driver: DriverId, until: Timestamp) -> Result<Vec<Shift>> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!(
        "UPDATE drivers.shifts SET announced = true
          WHERE org_id = $1 AND driver_id = $2 AND NOT announced AND starts_at < $3",
        org.uuid(),
        driver.uuid(),
        until.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    let filter = Filter { driver: Some(driver), from: Some(now), until: Some(until) };
    list(tx, filter, None, i64::from(u16::MAX)).await
}

/// Writes the times of a shift whose driver is locked.
pub async fn update(tx: &mut Tx, shift: &Shift, details: ShiftDetails) -> Result<Shift> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE drivers.shifts
            SET starts_at = $3, ends_at = $4, breaks = $5, announced = false, updated_at = $6, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        shift.id.uuid(),
        details.from.to_sqlx() as _,
        details.until.to_sqlx() as _,
        serde_json::to_value(&details.breaks)?,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Shift { version, details, updated_at: now, ..shift.clone() })
}

/// Takes back a shift whose driver is locked.
pub async fn delete(tx: &mut Tx, id: ShiftId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM drivers.shifts WHERE org_id = $1 AND id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
