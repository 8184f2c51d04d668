//! Invitations, and the index that finds their organisation from the secret in the link.

use std::str::FromStr;

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{InvitationId, OrgId, UserId, Uuid};
use kernel::time::SignedDuration;
use platform::auth::Role;
use platform::db::Tx;
use platform::vault::{Place, Subject, Vault};
use platform::{Error, Result};

use crate::domain::contact::Email;
use crate::domain::secret::Secret;
use crate::entities::Invitation;

const TABLE: &str = "identity.invitations";
/// How long an invitation can be accepted.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

struct Row {
    id: Uuid,
    role: String,
    email: Option<Vec<u8>>,
    version: i64,
    invited_by: Uuid,
    created_at: SqlTime,
    expires_at: SqlTime,
    accepted_at: Option<SqlTime>,
    revoked_at: Option<SqlTime>,
}

async fn open(tx: &mut Tx, vault: &Vault, row: Row) -> Result<Invitation> {
    let email = match row.email {
        Some(sealed) => {
            let key = vault.existing(tx, Subject::of_org(tx.org()?, row.id)).await?;
            key.map(|key| key.open(Place::new(TABLE, "email", row.id), &sealed)).transpose()?
        }
        None => None,
    };
    Ok(Invitation {
        id: InvitationId::new(row.id),
        role: Role::from_str(&row.role).map_err(Error::internal)?,
        email,
        version: row.version,
        invited_by: UserId::new(row.invited_by),
        created_at: row.created_at.to_jiff(),
        expires_at: row.expires_at.to_jiff(),
        accepted_at: row.accepted_at.map(SqlTime::to_jiff),
        revoked_at: row.revoked_at.map(SqlTime::to_jiff),
    })
}

/// Creates an invitation and its entry in the index.
pub async fn insert(
    tx: &mut Tx,
    vault: &Vault,
    role: Role,
    email: Option<&Email>,
    invited_by: UserId,
    secret: &Secret,
) -> Result<Invitation> {
    let (id, org, now): (InvitationId, _, _) = (tx.id(), tx.org()?, tx.now());
    let expires_at = now.checked_add(LIFETIME).unwrap_or(now);
    let sealed = match email {
        Some(email) => {
            let key = vault.subject(tx, Subject::of_org(org, id)).await?;
            Some(key.seal(Place::new(TABLE, "email", id), email.private())?)
        }
        None => None,
    };
    sqlx::query!(
        "INSERT INTO identity.invitations (org_id, id, role, email, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        org.uuid(),
        id.uuid(),
        role.as_str(),
        sealed,
        invited_by.uuid(),
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    index(tx, secret, "invitation", org, id.uuid()).await?;
    Ok(Invitation {
        id,
        role,
        email: email.map(|email| email.private().clone()),
        version: 1,
        invited_by,
        created_at: now,
        expires_at,
        accepted_at: None,
        revoked_at: None,
    })
}

/// Writes an entry of the credential index.
pub(super) async fn index(tx: &mut Tx, secret: &Secret, kind: &str, org: OrgId, id: Uuid) -> Result<()> {
    sqlx::query!(
        "INSERT INTO identity.credential_index (hash, kind, org_id, id) VALUES ($1, $2, $3, $4)",
        secret.hash(),
        kind,
        org.uuid(),
        id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The organisation and invitation behind a secret.
pub async fn locate(tx: &mut Tx, secret: &Secret) -> Result<Option<(OrgId, InvitationId)>> {
    let row = sqlx::query!(
        "SELECT org_id, id FROM identity.credential_index WHERE hash = $1 AND kind = 'invitation'",
        secret.hash(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (OrgId::new(row.org_id), InvitationId::new(row.id))))
}

/// Reads and locks an invitation.
pub async fn lock(tx: &mut Tx, vault: &Vault, id: InvitationId) -> Result<Option<Invitation>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, role, email, version, invited_by, created_at AS "created_at: SqlTime",
                  expires_at AS "expires_at: SqlTime", accepted_at AS "accepted_at: SqlTime",
                  revoked_at AS "revoked_at: SqlTime"
             FROM identity.invitations WHERE org_id = $1 AND id = $2 FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    match row {
        Some(row) => open(tx, vault, row).await.map(Some),
        None => Ok(None),
    }
}

/// Invitations that can still be accepted, newest first.
pub async fn list(tx: &mut Tx, vault: &Vault, before: Option<Uuid>, limit: i64) -> Result<Vec<Invitation>> {
    let (org, now) = (tx.org()?, tx.now());
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, role, email, version, invited_by, created_at AS "created_at: SqlTime",
                  expires_at AS "expires_at: SqlTime", accepted_at AS "accepted_at: SqlTime",
                  revoked_at AS "revoked_at: SqlTime"
             FROM identity.invitations
            WHERE org_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2
              AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4"#,
        org.uuid(),
        now.to_sqlx() as _,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut invitations = Vec::with_capacity(rows.len());
    for row in rows {
        invitations.push(open(tx, vault, row).await?);
    }
    Ok(invitations)
}

/// Marks a locked invitation as accepted.
pub async fn accept(tx: &mut Tx, id: InvitationId, by: UserId) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!(
        "UPDATE identity.invitations SET accepted_at = $3, accepted_by = $4, version = version + 1
          WHERE org_id = $1 AND id = $2",
        org.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a locked invitation back.
pub async fn revoke(tx: &mut Tx, id: InvitationId) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!(
        "UPDATE identity.invitations SET revoked_at = $3, version = version + 1 WHERE org_id = $1 AND id = $2",
        org.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
