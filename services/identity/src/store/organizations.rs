//! Organisations.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{FileId, OrgId, Uuid};
use platform::Result;
use platform::db::{Locked, Tx};

use crate::entities::Organization;

/// What an organisation is made of.
#[derive(Debug, Clone)]
pub struct Details {
    /// Name of the business.
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
    /// ISO 4217.
    pub currency: String,
}

struct Row {
    org_id: Uuid,
    version: i64,
    name: String,
    time_zone: String,
    currency: String,
    second_factor_required: bool,
    logo: Option<Uuid>,
    created_at: SqlTime,
    updated_at: SqlTime,
}

impl From<Row> for Organization {
    fn from(row: Row) -> Self {
        Self {
            id: OrgId::new(row.org_id),
            version: row.version,
            name: row.name,
            time_zone: row.time_zone,
            currency: row.currency,
            second_factor_required: row.second_factor_required,
            logo: row.logo.map(FileId::new),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        }
    }
}

/// Creates the organisation that the transaction has entered.
pub async fn insert(tx: &mut Tx, details: &Details) -> Result<(Organization, Locked)> {
    let id = tx.org()?;
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO identity.organizations (org_id, name, time_zone, currency, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        id.uuid(),
        details.name,
        details.time_zone,
        details.currency,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    let organization = Organization {
        id,
        version: 1,
        name: details.name.clone(),
        time_zone: details.time_zone.clone(),
        currency: details.currency.clone(),
        second_factor_required: false,
        logo: None,
        created_at: now,
        updated_at: now,
    };
    Ok((organization, Locked::new(id, 1)))
}

/// Reads the transaction's organisation.
pub async fn find(tx: &mut Tx) -> Result<Option<Organization>> {
    let id = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT org_id, version, name, time_zone, currency, second_factor_required, logo, created_at AS "created_at: SqlTime",
                  updated_at AS "updated_at: SqlTime"
             FROM identity.organizations WHERE org_id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Organization::from))
}

/// Reads and locks the transaction's organisation.
pub async fn lock(tx: &mut Tx) -> Result<Option<Organization>> {
    let id = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT org_id, version, name, time_zone, currency, second_factor_required, logo, created_at AS "created_at: SqlTime",
                  updated_at AS "updated_at: SqlTime"
             FROM identity.organizations WHERE org_id = $1 FOR UPDATE"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Organization::from))
}

/// Writes the details of a locked organisation.
pub async fn update(
    tx: &mut Tx,
    organization: &Organization,
    details: &Details,
    second_factor_required: bool,
) -> Result<Organization> {
    let now = tx.now();
    let version = sqlx::query_scalar!(
        "UPDATE identity.organizations
            SET name = $2, time_zone = $3, currency = $4, second_factor_required = $5, version = version + 1,
                updated_at = $6
          WHERE org_id = $1 RETURNING version",
        organization.id.uuid(),
        details.name,
        details.time_zone,
        details.currency,
        second_factor_required,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Organization {
        version,
        name: details.name.clone(),
        time_zone: details.time_zone.clone(),
        currency: details.currency.clone(),
        second_factor_required,
        updated_at: now,
        ..organization.clone()
    })
}

/// Shows another picture of a locked organisation, or none.
pub async fn set_logo(
    tx: &mut Tx,
    organization: &Organization,
    logo: Option<FileId>,
) -> Result<Organization> {
    let now = tx.now();
    let version = sqlx::query_scalar!(
        "UPDATE identity.organizations SET logo = $2, version = version + 1, updated_at = $3
          WHERE org_id = $1 RETURNING version",
        organization.id.uuid(),
        logo.map(FileId::uuid),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Organization { version, logo, updated_at: now, ..organization.clone() })
}

/// Whether any organisation has an owner: the first run is over.
pub async fn any_owner(tx: &mut Tx) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT identity.has_owner() AS "has!""#).fetch_one(tx.conn()).await?)
}
