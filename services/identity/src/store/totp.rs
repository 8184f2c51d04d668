//! Secrets of authenticator apps, sealed with the person's key.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::UserId;
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;
use platform::vault::{Place, Subject, Vault};

use crate::domain::totp::Authenticator;

const TABLE: &str = "identity.totp";

/// A person's authenticator app.
#[derive(Debug)]
pub struct Enrolment {
    /// Its secret.
    pub app: Authenticator,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When the first code was seen; before that it protects nothing.
    pub confirmed_at: Option<Timestamp>,
    /// The newest step whose code was accepted.
    pub last_step: Option<i64>,
}

/// Stores a new secret in place of an unconfirmed one.
pub async fn put(tx: &mut Tx, vault: &Vault, user: UserId, app: &Authenticator) -> Result<()> {
    let now = tx.now();
    let key = vault.subject(tx, Subject::of_installation(user)).await?;
    let secret = key.seal(Place::new(TABLE, "secret", user), &app.secret())?;
    sqlx::query!(
        "INSERT INTO identity.totp (user_id, secret, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at
          WHERE totp.confirmed_at IS NULL",
        user.uuid(),
        secret,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Reads and locks a person's app: two codes at once take turns.
pub async fn lock(tx: &mut Tx, vault: &Vault, user: UserId) -> Result<Option<Enrolment>> {
    let row = sqlx::query!(
        r#"SELECT secret, created_at AS "created_at: SqlTime", confirmed_at AS "confirmed_at: SqlTime", last_step
             FROM identity.totp WHERE user_id = $1 FOR UPDATE"#,
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    // An erased person has no secret any more.
    let Some(key) = vault.existing(tx, Subject::of_installation(user)).await? else { return Ok(None) };
    let secret = key.open(Place::new(TABLE, "secret", user), &row.secret)?;
    Ok(Some(Enrolment {
        app: Authenticator::read(&secret)?,
        created_at: row.created_at.to_jiff(),
        confirmed_at: row.confirmed_at.map(SqlTime::to_jiff),
        last_step: row.last_step,
    }))
}

/// When the person's app was confirmed, if it was.
pub async fn confirmed_at(tx: &mut Tx, user: UserId) -> Result<Option<Timestamp>> {
    let row = sqlx::query!(
        r#"SELECT confirmed_at AS "confirmed_at: SqlTime" FROM identity.totp WHERE user_id = $1"#,
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| row.confirmed_at).map(SqlTime::to_jiff))
}

/// Notes the step of an accepted code of a locked app; the first one confirms it.
pub async fn accept(tx: &mut Tx, user: UserId, step: i64) -> Result<()> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identity.totp SET last_step = $2, confirmed_at = coalesce(confirmed_at, $3) WHERE user_id = $1",
        user.uuid(),
        step,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes the app; whether there was a confirmed one.
pub async fn remove(tx: &mut Tx, user: UserId) -> Result<bool> {
    let confirmed = sqlx::query_scalar!(
        r#"DELETE FROM identity.totp WHERE user_id = $1 RETURNING confirmed_at IS NOT NULL AS "confirmed!""#,
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(confirmed.unwrap_or(false))
}
