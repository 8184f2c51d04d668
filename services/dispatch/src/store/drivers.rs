//! Drivers as dispatch sees them: a read model.

use contracts::drivers::{Availability, DriverFacts};
use kernel::ids::{DriverId, UserId, Uuid};
use platform::db::Tx;
use platform::{Error, Result};
use sqlx::types::Json;

/// One driver.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The driver.
    pub driver_id: DriverId,
    /// What is known.
    pub facts: DriverFacts,
    /// What the driver says.
    pub availability: Availability,
}

struct Row {
    driver_id: Uuid,
    facts: Json<DriverFacts>,
    availability: String,
}

impl TryFrom<Row> for Known {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let availability = Availability::parse(&row.availability);
        Ok(Self {
            driver_id: DriverId::new(row.driver_id),
            facts: row.facts.0,
            availability: availability.ok_or_else(|| Error::internal("dispatch.drivers: availability"))?,
        })
    }
}

/// Notes what is known of a driver, unless something newer is.
pub async fn put(tx: &mut Tx, id: DriverId, version: i64, facts: &DriverFacts) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO dispatch.drivers (org_id, driver_id, version, user_id, facts, availability)
         VALUES ($1, $2, $3, $4, $5, 'off_duty')
         ON CONFLICT (org_id, driver_id)
         DO UPDATE SET version = $3, user_id = $4, facts = $5 WHERE drivers.version < $3",
        org.uuid(),
        id.uuid(),
        version,
        facts.user_id.map(UserId::uuid),
        Json(facts) as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes what a driver says. Events of one driver arrive in their order.
pub async fn set_availability(tx: &mut Tx, id: DriverId, availability: Availability) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE dispatch.drivers SET availability = $3 WHERE org_id = $1 AND driver_id = $2",
        org.uuid(),
        id.uuid(),
        availability.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// All of them.
pub async fn all(tx: &mut Tx) -> Result<Vec<Known>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT driver_id, facts AS "facts: Json<DriverFacts>", availability FROM dispatch.drivers
            WHERE org_id = $1 ORDER BY driver_id"#,
        org.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Known::try_from).collect()
}

/// One of them.
pub async fn find(tx: &mut Tx, id: DriverId) -> Result<Option<Known>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT driver_id, facts AS "facts: Json<DriverFacts>", availability FROM dispatch.drivers
            WHERE org_id = $1 AND driver_id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Known::try_from).transpose()
}

/// Which driver somebody who is signed in is.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Option<DriverId>> {
    let org = tx.org()?;
    let found = sqlx::query_scalar!(
        "SELECT driver_id FROM dispatch.drivers WHERE org_id = $1 AND user_id = $2",
        org.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.map(DriverId::new))
}
