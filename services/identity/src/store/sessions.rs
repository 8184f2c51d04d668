//! Sessions and their refresh tokens.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{OrgId, SessionId, UserId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;

use crate::domain::refresh::{IDLE, Presented};
use crate::domain::secret::Secret;
use crate::entities::Session;

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The person signed out.
    Logout,
    /// The person ended it from another device.
    Revoked,
    /// A manager cut off a lost phone.
    CutOff,
    /// An old refresh token was used again.
    Reuse,
    /// The password was changed or reset.
    Password,
    /// The person's first second factor: sessions from before were opened without it.
    SecondFactor,
}

impl EndReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::CutOff => "cut_off",
            Self::Reuse => "reuse",
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
        }
    }
}

struct Row {
    id: Uuid,
    user_id: Uuid,
    org_id: Option<Uuid>,
    client: String,
    device: String,
    created_at: SqlTime,
    authenticated_at: SqlTime,
    last_used_at: SqlTime,
    expires_at: SqlTime,
    revoked_at: Option<SqlTime>,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: SessionId::new(row.id),
            user_id: UserId::new(row.user_id),
            org: row.org_id.map(OrgId::new),
            browser: row.client == "browser",
            device: row.device,
            created_at: row.created_at.to_jiff(),
            authenticated_at: row.authenticated_at.to_jiff(),
            last_used_at: row.last_used_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            revoked_at: row.revoked_at.map(SqlTime::to_jiff),
        }
    }
}

/// Opens a session.
pub async fn insert(
    tx: &mut Tx,
    user: UserId,
    org: Option<OrgId>,
    browser: bool,
    device: &str,
) -> Result<Session> {
    let id: SessionId = tx.id();
    let now = tx.now();
    let expires_at = now.checked_add(IDLE).unwrap_or(now);
    sqlx::query!(
        "INSERT INTO identity.sessions (id, user_id, org_id, client, device, created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        id.uuid(),
        user.uuid(),
        org.map(OrgId::uuid),
        if browser { "browser" } else { "app" },
        device,
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    let device = device.to_owned();
    Ok(Session {
        id,
        user_id: user,
        org,
        browser,
        device,
        created_at: now,
        authenticated_at: now,
        last_used_at: now,
        expires_at,
        revoked_at: None,
    })
}

/// Reads and locks a session of a user.
pub async fn lock(tx: &mut Tx, id: SessionId) -> Result<Option<Session>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, user_id, org_id, client, device, created_at AS "created_at: SqlTime",
                  coalesce(authenticated_at, created_at) AS "authenticated_at!: SqlTime",
                  last_used_at AS "last_used_at: SqlTime", expires_at AS "expires_at: SqlTime",
                  revoked_at AS "revoked_at: SqlTime"
             FROM identity.sessions WHERE id = $1 FOR UPDATE"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Session::from))
}

/// The sessions of a person that are alive, newest first.
pub async fn alive(tx: &mut Tx, user: UserId, before: Option<Uuid>, limit: i64) -> Result<Vec<Session>> {
    let now = tx.now();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, user_id, org_id, client, device, created_at AS "created_at: SqlTime",
                  coalesce(authenticated_at, created_at) AS "authenticated_at!: SqlTime",
                  last_used_at AS "last_used_at: SqlTime", expires_at AS "expires_at: SqlTime",
                  revoked_at AS "revoked_at: SqlTime"
             FROM identity.sessions
            WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4"#,
        user.uuid(),
        now.to_sqlx() as _,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// Ends sessions: their tokens are refused from the commit on in every process within a second.
pub async fn end(tx: &mut Tx, sessions: &[SessionId], reason: EndReason) -> Result<()> {
    let now = tx.now();
    let ids: Vec<Uuid> = sessions.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "UPDATE identity.sessions SET revoked_at = $2, reason = $3 WHERE id = ANY ($1) AND revoked_at IS NULL",
        &ids,
        now.to_sqlx() as _,
        reason.as_str(),
    )
    .execute(tx.conn())
    .await?;
    let until = now.checked_add(platform::auth::ACCESS_TOKEN_LIFETIME).unwrap_or(now);
    sqlx::query!(
        "SELECT platform.revoke_session(id, $2) FROM unnest($1::uuid[]) AS id",
        &ids,
        until.to_sqlx() as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The sessions of a person whose tokens may name this organisation (or all of them), to end them together.
///
/// A session that has switched within the life of an access token may have left one behind that names this one.
pub async fn ids_of(tx: &mut Tx, user: UserId, org: Option<OrgId>) -> Result<Vec<SessionId>> {
    let now = tx.now();
    let since = now.checked_sub(platform::auth::ACCESS_TOKEN_LIFETIME).unwrap_or(now);
    let ids = sqlx::query_scalar!(
        "SELECT id FROM identity.sessions
          WHERE user_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR org_id = $2 OR switched_at > $3)
          FOR UPDATE",
        user.uuid(),
        org.map(OrgId::uuid),
        since.to_sqlx() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(SessionId::new).collect())
}

/// The person has just proved again who they are.
pub async fn authenticated(tx: &mut Tx, session: SessionId) -> Result<()> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identity.sessions SET authenticated_at = $2 WHERE id = $1",
        session.uuid(),
        now.to_sqlx() as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lets a session name another organisation.
pub async fn set_org(tx: &mut Tx, session: SessionId, org: Option<OrgId>) -> Result<()> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identity.sessions SET org_id = $2, switched_at = $3 WHERE id = $1",
        session.uuid(),
        org.map(OrgId::uuid),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores a refresh token of a session, with the one that was exchanged for it.
pub async fn insert_token(
    tx: &mut Tx,
    session: SessionId,
    token: &Secret,
    parent: Option<&Secret>,
) -> Result<()> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO identity.refresh_tokens (hash, session_id, created_at, parent) VALUES ($1, $2, $3, $4)",
        token.hash(),
        session.uuid(),
        now.to_sqlx() as _,
        parent.map(Secret::hash),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A presented refresh token.
#[derive(Debug)]
pub struct Token {
    /// Its session.
    pub session: SessionId,
    /// The facts that the decision needs.
    pub presented: Presented,
    /// The sealed successor, if it has one.
    pub successor: Option<Vec<u8>>,
}

/// Reads a refresh token with its session, locking the session: parallel refreshes of one session take turns.
///
/// `device` is what the caller says it is, in words: the grace for a lost answer is for the client that lost it.
pub async fn lock_token(tx: &mut Tx, token: &Secret, device: &str) -> Result<Option<Token>> {
    let hash = token.hash();
    let session = sqlx::query_scalar!("SELECT session_id FROM identity.refresh_tokens WHERE hash = $1", hash)
        .fetch_optional(tx.conn())
        .await?;
    let Some(session) = session else { return Ok(None) };
    let owner = sqlx::query!(
        r#"SELECT device, expires_at AS "expires_at: SqlTime", revoked_at AS "revoked_at: SqlTime"
             FROM identity.sessions WHERE id = $1 FOR UPDATE"#,
        session,
    )
    .fetch_one(tx.conn())
    .await?;
    // Read after the lock: a parallel refresh has committed by now.
    let row = sqlx::query!(
        r#"SELECT t.used_at AS "used_at: SqlTime", t.successor,
                  EXISTS (SELECT FROM identity.refresh_tokens n
                           WHERE n.parent = t.hash AND n.used_at IS NOT NULL) AS "successor_used!"
             FROM identity.refresh_tokens t WHERE t.hash = $1"#,
        hash,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Some(Token {
        session: SessionId::new(session),
        presented: Presented {
            used_at: row.used_at.map(SqlTime::to_jiff),
            successor_used: row.successor_used,
            same_client: owner.device == device,
            revoked_at: owner.revoked_at.map(SqlTime::to_jiff),
            expires_at: owner.expires_at.to_jiff(),
        },
        successor: row.successor,
    }))
}

/// Marks a token as used and keeps its sealed successor for the grace period; the session lives on.
pub async fn use_token(
    tx: &mut Tx,
    token: &Secret,
    session: SessionId,
    successor: &[u8],
) -> Result<Timestamp> {
    let now = tx.now();
    let expires_at = now.checked_add(IDLE).unwrap_or(now);
    sqlx::query!(
        "UPDATE identity.refresh_tokens SET used_at = $2, successor = $3 WHERE hash = $1",
        token.hash(),
        now.to_sqlx() as _,
        successor,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE identity.sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1",
        session.uuid(),
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(expires_at)
}

/// Deletes sessions that ended or expired before the given moment, with their tokens.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM identity.sessions WHERE expires_at < $1 OR revoked_at < $1",
        before.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
