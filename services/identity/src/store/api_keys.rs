//! API keys and device keys.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{ApiKeyId, OrgId, UserId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;

use super::invitations::index;
use crate::domain::secret::Secret;
use crate::entities::ApiKey;

/// What a new key needs.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whether it belongs to a device.
    pub device: bool,
    /// Name of the integration or device.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

struct Row {
    id: Uuid,
    kind: String,
    name: String,
    hint: String,
    scopes: Vec<String>,
    version: i64,
    created_at: SqlTime,
    expires_at: Option<SqlTime>,
    last_used_at: Option<SqlTime>,
    revoked_at: Option<SqlTime>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: ApiKeyId::new(row.id),
            device: row.kind == "device",
            name: row.name,
            hint: row.hint,
            scopes: row.scopes,
            version: row.version,
            created_at: row.created_at.to_jiff(),
            expires_at: row.expires_at.map(SqlTime::to_jiff),
            last_used_at: row.last_used_at.map(SqlTime::to_jiff),
            revoked_at: row.revoked_at.map(SqlTime::to_jiff),
        }
    }
}

/// Stores a key by its hash.
pub async fn insert(tx: &mut Tx, new: NewKey, secret: &Secret, created_by: UserId) -> Result<ApiKey> {
    let (id, org, now): (ApiKeyId, _, _) = (tx.id(), tx.org()?, tx.now());
    sqlx::query!(
        "INSERT INTO identity.api_keys (org_id, id, kind, name, hint, hash, scopes, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        org.uuid(),
        id.uuid(),
        if new.device { "device" } else { "api" },
        new.name,
        secret.hint(),
        secret.hash(),
        &new.scopes,
        created_by.uuid(),
        now.to_sqlx() as _,
        new.expires_at.map(ToSqlx::to_sqlx) as _,
    )
    .execute(tx.conn())
    .await?;
    index(tx, secret, "api_key", org, id.uuid()).await?;
    Ok(ApiKey {
        id,
        device: new.device,
        name: new.name,
        hint: secret.hint(),
        scopes: new.scopes,
        version: 1,
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
        revoked_at: None,
    })
}

/// Keys that still work, newest first.
pub async fn list(tx: &mut Tx, before: Option<Uuid>, limit: i64) -> Result<Vec<ApiKey>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, name, hint, scopes, version, created_at AS "created_at: SqlTime",
                  expires_at AS "expires_at: SqlTime", last_used_at AS "last_used_at: SqlTime",
                  revoked_at AS "revoked_at: SqlTime"
             FROM identity.api_keys
            WHERE org_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        org.uuid(),
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Reads and locks a key that still works.
pub async fn lock(tx: &mut Tx, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, name, hint, scopes, version, created_at AS "created_at: SqlTime",
                  expires_at AS "expires_at: SqlTime", last_used_at AS "last_used_at: SqlTime",
                  revoked_at AS "revoked_at: SqlTime"
             FROM identity.api_keys WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(ApiKey::from))
}

/// Takes a locked key back.
pub async fn revoke(tx: &mut Tx, id: ApiKeyId) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    sqlx::query!(
        "UPDATE identity.api_keys SET revoked_at = $3, version = version + 1 WHERE org_id = $1 AND id = $2",
        org.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The organisation and key behind a secret.
pub async fn locate(tx: &mut Tx, secret: &Secret) -> Result<Option<(OrgId, ApiKeyId)>> {
    let row = sqlx::query!(
        "SELECT org_id, id FROM identity.credential_index WHERE hash = $1 AND kind = 'api_key'",
        secret.hash(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (OrgId::new(row.org_id), ApiKeyId::new(row.id))))
}

/// A presented key of the transaction's organisation, if it works; notes its use, at most once a minute.
pub async fn present(tx: &mut Tx, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let (org, now) = (tx.org()?, tx.now());
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, name, hint, scopes, version, created_at AS "created_at: SqlTime",
                  expires_at AS "expires_at: SqlTime", last_used_at AS "last_used_at: SqlTime",
                  revoked_at AS "revoked_at: SqlTime"
             FROM identity.api_keys
            WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)"#,
        org.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(key) = row.map(ApiKey::from) else { return Ok(None) };
    let stale = key.last_used_at.is_none_or(|last| now.duration_since(last).as_secs() >= 60);
    if stale {
        sqlx::query!(
            "UPDATE identity.api_keys SET last_used_at = $3 WHERE org_id = $1 AND id = $2",
            org.uuid(),
            id.uuid(),
            now.to_sqlx() as _,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(Some(key))
}
