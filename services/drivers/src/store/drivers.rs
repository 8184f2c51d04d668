//! Driver profiles: sealed columns with a key per driver, found by keyed hashes.

mod row;

use contracts::drivers::Availability;
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTime, ToSqlx};
use kernel::geo::Position;
use kernel::ids::{DriverId, UserId, Uuid, VehicleId};
use kernel::travel::Profile;
use platform::db::{Locked, Tx};
use platform::vault::{Place, Private, Subject, Vault};
use platform::{Error, Result};

use crate::entities::{Personal, Plain};
use row::Row;
pub use row::StoredDriver;

const TABLE: &str = "drivers.drivers";

/// Adds a driver without anything personal. `None` when the account has a profile already.
pub async fn insert(tx: &mut Tx, user: Option<UserId>, plain: Plain) -> Result<Option<StoredDriver>> {
    let (id, org, now): (DriverId, _, _) = (tx.id(), tx.org()?, tx.now());
    let skills: Vec<String> = plain.skills.iter().cloned().collect();
    let done = sqlx::query!(
        "INSERT INTO drivers.drivers
             (org_id, id, user_id, vehicle_id, skills, home_lat, home_lon, active, follows_shifts, documents_lapsed,
              availability, availability_since, tapped_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
         ON CONFLICT (org_id, user_id) WHERE user_id IS NOT NULL DO NOTHING",
        org.uuid(),
        id.uuid(),
        user.map(UserId::uuid),
        plain.vehicle_id.map(VehicleId::uuid),
        &skills,
        plain.home.map(Position::lat),
        plain.home.map(Position::lon),
        plain.active,
        plain.follows_shifts,
        plain.documents_lapsed,
        plain.availability.as_str(),
        plain.availability_since.to_sqlx() as _,
        plain.tapped_at.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    Ok(Some(StoredDriver::new(id, user, plain, now)))
}

/// Reads a driver.
pub async fn find(tx: &mut Tx, id: DriverId) -> Result<Option<StoredDriver>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT d.id, d.version, d.user_id, d.name, d.phone, d.notes, d.vehicle_id, d.skills, d.home_lat, d.home_lon,
                  d.active, d.follows_shifts, d.documents_lapsed, d.availability,
                  d.availability_since AS "availability_since: SqlTime", d.tapped_at AS "tapped_at: SqlTime", d.stars,
                  d.ratings, d.created_at AS "created_at: SqlTime", d.updated_at AS "updated_at: SqlTime",
                  (SELECT min(o.expires_on) FROM drivers.documents o
                    WHERE o.org_id = d.org_id AND o.driver_id = d.id AND o.required) AS "documents_until?: SqlDate",
                  EXISTS (SELECT FROM drivers.documents o
                           WHERE o.org_id = d.org_id AND o.driver_id = d.id AND o.required) AS "documents_required!"
             FROM drivers.drivers d WHERE d.org_id = $1 AND d.id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(StoredDriver::try_from).transpose()
}

/// Reads and locks a driver. Shifts and documents change under this lock.
pub async fn lock(tx: &mut Tx, id: DriverId) -> Result<Option<StoredDriver>> {
    let org = tx.org()?;
    let locked = sqlx::query_scalar!(
        "SELECT id FROM drivers.drivers WHERE org_id = $1 AND id = $2 FOR UPDATE",
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    // Read after the lock: what its holder before wrote about documents is seen.
    if locked.is_some() { find(tx, id).await } else { Ok(None) }
}

/// Which driver an account is.
pub async fn id_of_user(tx: &mut Tx, user: UserId) -> Result<Option<DriverId>> {
    let org = tx.org()?;
    let id = sqlx::query_scalar!(
        "SELECT id FROM drivers.drivers WHERE org_id = $1 AND user_id = $2",
        org.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id.map(DriverId::new))
}

/// Which drivers drive this vehicle, oldest first.
pub async fn ids_of_vehicle(tx: &mut Tx, vehicle: VehicleId) -> Result<Vec<DriverId>> {
    let org = tx.org()?;
    let ids = sqlx::query_scalar!(
        "SELECT id FROM drivers.drivers WHERE org_id = $1 AND vehicle_id = $2 ORDER BY id",
        org.uuid(),
        vehicle.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(DriverId::new).collect())
}

/// Which drivers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Who say this.
    pub availability: Option<Availability>,
    /// Who can or have this.
    pub skill: Option<String>,
    /// Who work here, or do not.
    pub active: Option<bool>,
    /// Whose vehicle moves like this.
    pub vehicle: Option<Profile>,
    /// Whose number this is, in E.164.
    pub phone: Option<Private>,
}

/// Drivers, oldest first.
pub async fn list(
    tx: &mut Tx,
    vault: &Vault,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<StoredDriver>> {
    let org = tx.org()?;
    let phone = index(tx, vault, filter.phone.as_ref()).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT d.id, d.version, d.user_id, d.name, d.phone, d.notes, d.vehicle_id, d.skills, d.home_lat, d.home_lon,
                  d.active, d.follows_shifts, d.documents_lapsed, d.availability,
                  d.availability_since AS "availability_since: SqlTime", d.tapped_at AS "tapped_at: SqlTime", d.stars,
                  d.ratings, d.created_at AS "created_at: SqlTime", d.updated_at AS "updated_at: SqlTime",
                  (SELECT min(o.expires_on) FROM drivers.documents o
                    WHERE o.org_id = d.org_id AND o.driver_id = d.id AND o.required) AS "documents_until?: SqlDate",
                  EXISTS (SELECT FROM drivers.documents o
                           WHERE o.org_id = d.org_id AND o.driver_id = d.id AND o.required) AS "documents_required!"
             FROM drivers.drivers d
            WHERE d.org_id = $1 AND ($2::uuid IS NULL OR d.id > $2)
              AND ($3::text IS NULL OR d.availability = $3)
              AND ($4::text IS NULL OR $4 = ANY (d.skills))
              AND ($5::boolean IS NULL OR d.active = $5)
              AND ($6::text IS NULL OR EXISTS (SELECT FROM drivers.vehicles v
                                                WHERE v.org_id = d.org_id AND v.id = d.vehicle_id AND v.profile = $6))
              AND ($7::bytea IS NULL OR d.phone_index = $7)
            ORDER BY d.id LIMIT $8"#,
        org.uuid(),
        after,
        filter.availability.map(Availability::as_str),
        filter.skill,
        filter.active,
        filter.vehicle.map(Profile::as_str),
        phone,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(StoredDriver::try_from).collect()
}

/// Writes what is not personal about a locked driver.
pub async fn update(tx: &mut Tx, driver: &StoredDriver, plain: Plain) -> Result<(StoredDriver, Locked)> {
    let (org, now) = (tx.org()?, tx.now());
    let skills: Vec<String> = plain.skills.iter().cloned().collect();
    let version = sqlx::query_scalar!(
        "UPDATE drivers.drivers
            SET vehicle_id = $3, skills = $4, home_lat = $5, home_lon = $6, active = $7, follows_shifts = $8,
                documents_lapsed = $9, availability = $10, availability_since = $11, tapped_at = $12, updated_at = $13,
                version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        driver.id.uuid(),
        plain.vehicle_id.map(VehicleId::uuid),
        &skills,
        plain.home.map(Position::lat),
        plain.home.map(Position::lon),
        plain.active,
        plain.follows_shifts,
        plain.documents_lapsed,
        plain.availability.as_str(),
        plain.availability_since.to_sqlx() as _,
        plain.tapped_at.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((StoredDriver { version, plain, updated_at: now, ..driver.clone() }, Locked::new(driver.id, version)))
}

/// Notes that a locked driver's newest tap changed nothing, so that an older one does not either. No new version.
pub async fn tapped(tx: &mut Tx, driver: &StoredDriver, at: kernel::time::Timestamp) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE drivers.drivers SET tapped_at = $3 WHERE org_id = $1 AND id = $2",
        org.uuid(),
        driver.id.uuid(),
        at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Seals what is personal about a locked driver. Give it a version with [`update`].
pub async fn seal(tx: &mut Tx, vault: &Vault, id: DriverId, personal: &Personal) -> Result<()> {
    let org = tx.org()?;
    let key = vault.subject(tx, Subject::of_org(org, id)).await?;
    let sealed = |column, value: &Option<Private>| {
        value.as_ref().map(|value| key.seal(Place::new(TABLE, column, id), value)).transpose()
    };
    let (name, phone) = (sealed("name", &personal.name)?, sealed("phone", &personal.phone)?);
    let notes = sealed("notes", &personal.notes)?;
    let phone_index = index(tx, vault, personal.phone.as_ref()).await?;
    sqlx::query!(
        "UPDATE drivers.drivers SET name = $3, phone = $4, phone_index = $5, notes = $6 WHERE org_id = $1 AND id = $2",
        org.uuid(),
        id.uuid(),
        name,
        phone,
        phone_index,
        notes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn index(tx: &mut Tx, vault: &Vault, phone: Option<&Private>) -> Result<Option<Vec<u8>>> {
    let Some(phone) = phone else { return Ok(None) };
    Ok(Some(vault.org(tx).await?.index("drivers.phone", phone.reveal())))
}

/// What is personal about a driver, opened; nothing after an erasure.
pub async fn open(tx: &mut Tx, vault: &Vault, driver: &StoredDriver) -> Result<Personal> {
    let org = tx.org()?;
    let Some(key) = vault.existing(tx, Subject::of_org(org, driver.id)).await? else {
        return Ok(Personal::default());
    };
    let opened = |column, value: &Option<Vec<u8>>| {
        let place = Place::new(TABLE, column, driver.id);
        value.as_deref().map(|value| key.open(place, value)).transpose()
    };
    Ok(Personal {
        name: opened("name", &driver.name)?,
        phone: opened("phone", &driver.phone)?,
        notes: opened("notes", &driver.notes)?,
    })
}

/// Counts one more rating of a locked driver.
pub async fn rated(tx: &mut Tx, driver: &StoredDriver, stars: i16) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE drivers.drivers SET stars = stars + $3, ratings = ratings + 1, updated_at = $4, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        driver.id.uuid(),
        i64::from(stars),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(driver.id, version))
}

/// Drivers of all organisations about whom something has become due. A named function: it looks across organisations.
pub async fn due(
    tx: &mut Tx,
    today: jiff::civil::Date,
    until: kernel::time::Timestamp,
) -> Result<Vec<(kernel::ids::OrgId, DriverId)>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", driver_id AS "driver_id!" FROM drivers.due($1, $2, $3) ORDER BY 1, 2"#,
        today.to_sqlx() as _,
        now.to_sqlx() as _,
        until.to_sqlx() as _,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(rows
        .into_iter()
        .map(|row| (kernel::ids::OrgId::new(row.org_id), DriverId::new(row.driver_id)))
        .collect())
}
