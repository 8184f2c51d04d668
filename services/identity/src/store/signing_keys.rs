//! Keys that sign access tokens.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{SigningKeyId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::vault::{Place, ScopeKeys};
use platform::{Error, Result};

const TABLE: &str = "identity.signing_keys";

/// A stored key, its private half opened.
pub struct StoredKey {
    /// Identifier; its text is the `kid`.
    pub id: SigningKeyId,
    /// Ed25519.
    pub public: [u8; 32],
    /// PKCS#8.
    pub private: zeroize::Zeroizing<Vec<u8>>,
    /// From when on it signs.
    pub active_from: Timestamp,
}

struct Row {
    id: Uuid,
    public_key: Vec<u8>,
    private_key: Vec<u8>,
    active_from: SqlTime,
}

/// The keys that are published now, newest first.
pub async fn published(tx: &mut Tx, keys: &ScopeKeys) -> Result<Vec<StoredKey>> {
    let now = tx.now();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, public_key, private_key AS "private_key!", active_from AS "active_from: SqlTime"
             FROM identity.signing_keys
            WHERE (retires_at IS NULL OR retires_at > $1) AND private_key IS NOT NULL ORDER BY active_from DESC, id DESC"#,
        now.to_sqlx() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredKey {
                id: SigningKeyId::new(row.id),
                public: row.public_key.as_slice().try_into().map_err(Error::internal)?,
                private: keys.open(Place::new(TABLE, "private_key", row.id), &row.private_key)?,
                active_from: row.active_from.to_jiff(),
            })
        })
        .collect()
}

/// Keeps rotations apart.
pub async fn lock_all(tx: &mut Tx) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('identity.signing_keys'))")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Stores a key that will sign from the given moment on.
pub async fn insert(
    tx: &mut Tx,
    keys: &ScopeKeys,
    id: SigningKeyId,
    public: &[u8; 32],
    private: &[u8],
    active_from: Timestamp,
) -> Result<()> {
    let now = tx.now();
    let sealed = keys.seal(Place::new(TABLE, "private_key", id), private)?;
    sqlx::query!(
        "INSERT INTO identity.signing_keys (id, public_key, private_key, created_at, active_from)
         VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        public.as_slice(),
        sealed,
        now.to_sqlx() as _,
        active_from.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lets all other keys retire at the given moment, unless they retire before.
pub async fn retire_others(tx: &mut Tx, keep: SigningKeyId, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.signing_keys SET retires_at = $2 WHERE id <> $1 AND (retires_at IS NULL OR retires_at > $2)",
        keep.uuid(),
        at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Since when the newest key signs, or from when on it will.
pub async fn newest_active_from(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let newest =
        sqlx::query_scalar!(r#"SELECT max(active_from) AS "newest: SqlTime" FROM identity.signing_keys"#)
            .fetch_one(tx.conn())
            .await?;
    Ok(newest.map(SqlTime::to_jiff))
}

/// Destroys the private halves of keys that have retired; their rows stay, so that no id comes again.
pub async fn destroy_retired(tx: &mut Tx) -> Result<u64> {
    let now = tx.now();
    let done = sqlx::query!(
        "UPDATE identity.signing_keys SET private_key = NULL WHERE retires_at <= $1 AND private_key IS NOT NULL",
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
