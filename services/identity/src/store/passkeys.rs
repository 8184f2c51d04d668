//! Passkeys, and what was asked of a device.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{PasskeyId, UserId, Uuid};
use kernel::time::{SignedDuration, Timestamp};
use platform::db::Tx;
use platform::vault::{Place, Private, Subject, Vault};
use platform::{Error, Kind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use webauthn_rs::prelude::Passkey as Key;

use crate::domain::secret::Secret;
use crate::entities::Passkey;

const TABLE: &str = "identity.passkeys";
/// How long a device may take.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// Stores a new passkey; 409 when somebody has it.
pub async fn insert(tx: &mut Tx, vault: &Vault, user: UserId, name: Private, key: &Key) -> Result<Passkey> {
    let (id, now): (PasskeyId, _) = (tx.id(), tx.now());
    let key_of_person = vault.subject(tx, Subject::of_installation(user)).await?;
    let sealed = key_of_person.seal(Place::new(TABLE, "name", id), &name)?;
    let credential: &[u8] = key.cred_id().as_ref();
    sqlx::query!(
        "INSERT INTO identity.passkeys (id, user_id, credential_id, name, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id.uuid(),
        user.uuid(),
        credential,
        sealed,
        serde_json::to_value(key)?,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await
    .map_err(taken)?;
    Ok(Passkey { id, name, created_at: now, last_used_at: None, suspended_at: None })
}

fn taken(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|db| db.constraint()) {
        Some("passkeys_credential_id_key") => {
            Error::new(Kind::Conflict, "passkey_taken", "This passkey is registered already.")
                .with_source(error)
        }
        _ => error.into(),
    }
}

/// A person's passkeys, oldest first.
pub async fn list(
    tx: &mut Tx,
    vault: &Vault,
    user: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Passkey>> {
    let rows = sqlx::query!(
        r#"SELECT id, name, created_at AS "created_at: SqlTime", last_used_at AS "last_used_at: SqlTime",
                  suspended_at AS "suspended_at: SqlTime"
             FROM identity.passkeys WHERE user_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        user.uuid(),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let Some(key) = vault.existing(tx, Subject::of_installation(user)).await? else { return Ok(Vec::new()) };
    let open = |id: Uuid, name: Vec<u8>| key.open(Place::new(TABLE, "name", id), &name);
    rows.into_iter()
        .map(|row| {
            Ok(Passkey {
                id: PasskeyId::new(row.id),
                name: open(row.id, row.name)?,
                created_at: row.created_at.to_jiff(),
                last_used_at: row.last_used_at.map(SqlTime::to_jiff),
                suspended_at: row.suspended_at.map(SqlTime::to_jiff),
            })
        })
        .collect()
}

/// The keys of a person that open something; all of them with `suspended`.
pub async fn keys(tx: &mut Tx, user: UserId, suspended: bool) -> Result<Vec<Key>> {
    let states = sqlx::query_scalar!(
        "SELECT state FROM identity.passkeys WHERE user_id = $1 AND ($2 OR suspended_at IS NULL) ORDER BY id",
        user.uuid(),
        suspended,
    )
    .fetch_all(tx.conn())
    .await?;
    states.into_iter().map(|state| serde_json::from_value(state).map_err(Error::from)).collect()
}

/// How many a person has.
pub async fn count(tx: &mut Tx, user: UserId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM identity.passkeys WHERE user_id = $1"#,
        user.uuid()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// A locked passkey that was presented.
#[derive(Debug)]
pub struct Presented {
    /// Identifier.
    pub id: PasskeyId,
    /// Whose.
    pub user: UserId,
    /// The public half.
    pub key: Key,
}

/// Finds and locks a passkey by the device's name for it: two answers at once take turns at the counter.
pub async fn lock(tx: &mut Tx, credential: &[u8]) -> Result<Option<Presented>> {
    let row = sqlx::query!(
        "SELECT id, user_id, state FROM identity.passkeys
          WHERE credential_id = $1 AND suspended_at IS NULL FOR UPDATE",
        credential,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Presented {
        id: PasskeyId::new(row.id),
        user: UserId::new(row.user_id),
        key: serde_json::from_value(row.state)?,
    }))
}

/// Notes the use of a locked passkey, with its new counter.
pub async fn used(tx: &mut Tx, id: PasskeyId, key: &Key) -> Result<()> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identity.passkeys SET state = $2, last_used_at = $3 WHERE id = $1",
        id.uuid(),
        serde_json::to_value(key)?,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lets a locked passkey open nothing any more.
pub async fn suspend(tx: &mut Tx, id: PasskeyId) -> Result<()> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE identity.passkeys SET suspended_at = $2 WHERE id = $1",
        id.uuid(),
        now.to_sqlx() as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a person's passkey; false when it is not there.
pub async fn remove(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<bool> {
    let done =
        sqlx::query!("DELETE FROM identity.passkeys WHERE user_id = $1 AND id = $2", user.uuid(), id.uuid())
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes all of a person's passkeys; how many there were.
pub async fn remove_all(tx: &mut Tx, user: UserId) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM identity.passkeys WHERE user_id = $1", user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// What a ceremony is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeremonyPurpose {
    /// A new passkey.
    Register,
    /// Signing in.
    SignIn,
}

impl CeremonyPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
        }
    }
}

/// A ceremony that was begun.
#[derive(Debug)]
pub struct Ceremony<S> {
    /// Whose, if that was known before the device said it.
    pub user: Option<UserId>,
    /// Hash of the challenge of the first step, where it is the second step.
    pub challenge: Option<Vec<u8>>,
    /// What is expected.
    pub state: S,
}

/// Stores a ceremony.
pub async fn begin<S: Serialize>(
    tx: &mut Tx,
    purpose: CeremonyPurpose,
    secret: &Secret,
    ceremony: &Ceremony<S>,
) -> Result<()> {
    let now = tx.now();
    let expires_at = now.checked_add(LIFETIME).unwrap_or(now);
    sqlx::query!(
        "INSERT INTO identity.passkey_ceremonies (hash, purpose, user_id, challenge, state, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        secret.hash(),
        purpose.as_str(),
        ceremony.user.map(UserId::uuid),
        ceremony.challenge,
        serde_json::to_value(&ceremony.state)?,
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a ceremony up; `None` when it has expired, was used, never was, or is for something else.
pub async fn take<S: DeserializeOwned>(
    tx: &mut Tx,
    purpose: CeremonyPurpose,
    secret: &Secret,
) -> Result<Option<Ceremony<S>>> {
    let now: SqlTime = tx.now().to_sqlx();
    let row = sqlx::query!(
        "UPDATE identity.passkey_ceremonies SET used_at = $3
          WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING user_id, challenge, state",
        secret.hash(),
        purpose.as_str(),
        now as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Ceremony {
        user: row.user_id.map(UserId::new),
        challenge: row.challenge,
        state: serde_json::from_value(row.state)?,
    }))
}

/// Deletes ceremonies that expired before the given moment.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let done =
        sqlx::query!("DELETE FROM identity.passkey_ceremonies WHERE expires_at < $1", before.to_sqlx() as _)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected())
}
