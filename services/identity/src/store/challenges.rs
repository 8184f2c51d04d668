//! Challenges between the two steps of signing in.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{OrgId, UserId};
use kernel::time::{SignedDuration, Timestamp};
use platform::Result;
use platform::db::Tx;

use crate::domain::secret::Secret;

/// How long the second step may take.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// A challenge that can be answered.
#[derive(Debug, Clone, Copy)]
pub struct Challenge {
    /// Who passed the first step.
    pub user: UserId,
    /// Which organisation to enter, if one was named.
    pub org: Option<OrgId>,
}

/// Stores a challenge.
pub async fn insert(tx: &mut Tx, secret: &Secret, user: UserId, org: Option<OrgId>) -> Result<()> {
    let now = tx.now();
    let expires_at = now.checked_add(LIFETIME).unwrap_or(now);
    sqlx::query!(
        "INSERT INTO identity.challenges (hash, user_id, org_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        secret.hash(),
        user.uuid(),
        org.map(OrgId::uuid),
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whose challenge it is, without using it; `None` when it has expired, was used or never was.
pub async fn peek(tx: &mut Tx, secret: &Secret) -> Result<Option<Challenge>> {
    let now: SqlTime = tx.now().to_sqlx();
    let row = sqlx::query!(
        "SELECT user_id, org_id FROM identity.challenges WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
        secret.hash(),
        now as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Challenge { user: UserId::new(row.user_id), org: row.org_id.map(OrgId::new) }))
}

/// Uses a challenge up: of two answers at once one opens a session.
pub async fn take(tx: &mut Tx, secret: &Secret) -> Result<Option<Challenge>> {
    let now: SqlTime = tx.now().to_sqlx();
    let row = sqlx::query!(
        "UPDATE identity.challenges SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2
         RETURNING user_id, org_id",
        secret.hash(),
        now as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Challenge { user: UserId::new(row.user_id), org: row.org_id.map(OrgId::new) }))
}

/// Ends what a person has begun: the second factor has changed.
pub async fn end_all(tx: &mut Tx, user: UserId) -> Result<()> {
    sqlx::query!("DELETE FROM identity.challenges WHERE user_id = $1 AND used_at IS NULL", user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Deletes challenges that expired before the given moment.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM identity.challenges WHERE expires_at < $1", before.to_sqlx() as _)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
