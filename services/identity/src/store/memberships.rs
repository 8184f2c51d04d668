//! Memberships: one person in one organisation.

use std::str::FromStr;

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{MembershipId, OrgId, UserId, Uuid};
use platform::auth::Role;
use platform::db::{Locked, Tx};
use platform::{Error, Kind, Result};

use crate::entities::{Entrance, Membership};

struct Row {
    id: Uuid,
    user_id: Uuid,
    role: String,
    version: i64,
    created_at: SqlTime,
}

impl TryFrom<Row> for Membership {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: MembershipId::new(row.id),
            user_id: UserId::new(row.user_id),
            role: Role::from_str(&row.role).map_err(Error::internal)?,
            version: row.version,
            created_at: row.created_at.to_jiff(),
        })
    }
}

/// Makes a person a member; 409 when they are one already.
pub async fn insert(tx: &mut Tx, user: UserId, role: Role) -> Result<(Membership, Locked)> {
    let (id, org, now): (MembershipId, _, _) = (tx.id(), tx.org()?, tx.now());
    sqlx::query!(
        "INSERT INTO identity.memberships (org_id, id, user_id, role, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        org.uuid(),
        id.uuid(),
        user.uuid(),
        role.as_str(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await
    .map_err(already_member)?;
    Ok((Membership { id, user_id: user, role, version: 1, created_at: now }, Locked::new(id, 1)))
}

fn already_member(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|db| db.constraint()) {
        Some("memberships_current") => {
            Error::new(Kind::Conflict, "already_member", "This person is a member already.")
                .with_source(error)
        }
        _ => error.into(),
    }
}

/// The current members, oldest first.
pub async fn list(
    tx: &mut Tx,
    role: Option<Role>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Membership>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, user_id, role, version, created_at AS "created_at: SqlTime" FROM identity.memberships
            WHERE org_id = $1 AND ended_at IS NULL AND ($2::text IS NULL OR role = $2) AND ($3::uuid IS NULL OR id > $3)
            ORDER BY id LIMIT $4"#,
        org.uuid(),
        role.map(Role::as_str),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Membership::try_from).collect()
}

/// Reads and locks a current membership.
pub async fn lock(tx: &mut Tx, id: MembershipId) -> Result<Option<Membership>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, user_id, role, version, created_at AS "created_at: SqlTime" FROM identity.memberships
            WHERE org_id = $1 AND id = $2 AND ended_at IS NULL FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Membership::try_from).transpose()
}

/// A person's current membership in the transaction's organisation.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Option<Membership>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, user_id, role, version, created_at AS "created_at: SqlTime" FROM identity.memberships
            WHERE org_id = $1 AND user_id = $2 AND ended_at IS NULL"#,
        org.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Membership::try_from).transpose()
}

/// Locks the owners of the organisation and counts them: two removals at once take turns.
pub async fn lock_owners(tx: &mut Tx) -> Result<i64> {
    let org = tx.org()?;
    let owners = sqlx::query_scalar!(
        "SELECT id FROM identity.memberships
          WHERE org_id = $1 AND role = 'owner' AND ended_at IS NULL ORDER BY id FOR UPDATE",
        org.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(i64::try_from(owners.len()).unwrap_or(i64::MAX))
}

/// Gives a locked member another role.
pub async fn set_role(tx: &mut Tx, membership: &Membership, role: Role) -> Result<(Membership, Locked)> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE identity.memberships SET role = $3, version = version + 1, updated_at = $4
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        membership.id.uuid(),
        role.as_str(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((Membership { role, version, ..membership.clone() }, Locked::new(membership.id, version)))
}

/// Ends a locked membership.
pub async fn end(tx: &mut Tx, membership: &Membership) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE identity.memberships SET ended_at = $3, updated_at = $3, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        membership.id.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(membership.id, version))
}

/// The organisations that a person may enter, first joined first. A named function: it looks across organisations.
pub async fn entrances(tx: &mut Tx, user: UserId) -> Result<Vec<Entrance>> {
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", role AS "role!", name AS "name!" FROM identity.memberships_of($1)"#,
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Entrance {
                org: OrgId::new(row.org_id),
                name: row.name,
                role: Role::from_str(&row.role).map_err(Error::internal)?,
            })
        })
        .collect()
}

/// The organisations that ask this person, as owner or manager, for a second factor. A named function: it looks across
/// organisations.
pub async fn second_factor_required_by(tx: &mut Tx, user: UserId) -> Result<Vec<OrgId>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT org_id AS "org_id!" FROM identity.second_factor_required_by($1)"#,
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(OrgId::new).collect())
}
