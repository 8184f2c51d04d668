//! Links that work once.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::UserId;
use kernel::time::{SignedDuration, Timestamp};
use platform::Result;
use platform::db::Tx;

use crate::domain::secret::Secret;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Creates the first organisation and its owner.
    FirstRun,
    /// Sets a new password.
    PasswordReset,
    /// Confirms a new e-mail address.
    EmailChange,
}

impl LinkPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::FirstRun => "first_run",
            Self::PasswordReset => "password_reset",
            Self::EmailChange => "email_change",
        }
    }

    /// How long the link works.
    pub const fn lifetime(self) -> SignedDuration {
        match self {
            Self::FirstRun | Self::PasswordReset => SignedDuration::from_mins(30),
            Self::EmailChange => SignedDuration::from_hours(24),
        }
    }
}

/// Stores a link; older unused ones of the same purpose and person stop working.
pub async fn replace(
    tx: &mut Tx,
    purpose: LinkPurpose,
    user: Option<UserId>,
    secret: &Secret,
    detail: Option<&[u8]>,
) -> Result<Timestamp> {
    let now = tx.now();
    let expires_at = now.checked_add(purpose.lifetime()).unwrap_or(now);
    sqlx::query!(
        "DELETE FROM identity.one_time_links
          WHERE purpose = $1 AND user_id IS NOT DISTINCT FROM $2 AND used_at IS NULL",
        purpose.as_str(),
        user.map(UserId::uuid),
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO identity.one_time_links (hash, purpose, user_id, detail, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        secret.hash(),
        purpose.as_str(),
        user.map(UserId::uuid),
        detail,
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(expires_at)
}

/// A link that was presented and still works.
#[derive(Debug)]
pub struct Link {
    /// Whose; `None` for the first run.
    pub user: Option<UserId>,
    /// Sealed detail.
    pub detail: Option<Vec<u8>>,
}

/// Looks at a link without using it.
pub async fn peek(tx: &mut Tx, purpose: LinkPurpose, secret: &Secret) -> Result<bool> {
    let now = tx.now();
    let works = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM identity.one_time_links
                           WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3) AS "works!""#,
        secret.hash(),
        purpose.as_str(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(works)
}

/// Whose link it is, without using it; `None` when it does not work.
pub async fn holder(tx: &mut Tx, purpose: LinkPurpose, secret: &Secret) -> Result<Option<UserId>> {
    let now = tx.now();
    let user = sqlx::query_scalar!(
        "SELECT user_id FROM identity.one_time_links
          WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
        secret.hash(),
        purpose.as_str(),
        now.to_sqlx() as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(user.flatten().map(UserId::new))
}

/// Uses a link up; `None` when it does not exist, was used or has expired.
pub async fn take(tx: &mut Tx, purpose: LinkPurpose, secret: &Secret) -> Result<Option<Link>> {
    let now: SqlTime = tx.now().to_sqlx();
    let row = sqlx::query!(
        "UPDATE identity.one_time_links SET used_at = $3
          WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING user_id, detail",
        secret.hash(),
        purpose.as_str(),
        now as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Link { user: row.user_id.map(UserId::new), detail: row.detail }))
}

/// Deletes links that expired before the given moment.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let done =
        sqlx::query!("DELETE FROM identity.one_time_links WHERE expires_at < $1", before.to_sqlx() as _)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected())
}
