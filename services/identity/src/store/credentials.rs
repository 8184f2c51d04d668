//! Hashes of passwords and PINs.

use jiff_sqlx::ToSqlx;
use kernel::ids::UserId;
use platform::Result;
use platform::db::Tx;

/// With what a person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// With an e-mail address.
    Password,
    /// With a phone number.
    Pin,
}

impl CredentialKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Pin => "pin",
        }
    }
}

/// Sets or replaces a hash.
pub async fn put(tx: &mut Tx, user: UserId, kind: CredentialKind, hash: &str) -> Result<()> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO identity.credentials (user_id, kind, hash, changed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, kind) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
        user.uuid(),
        kind.as_str(),
        hash,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The hash, if there is one.
pub async fn hash(tx: &mut Tx, user: UserId, kind: CredentialKind) -> Result<Option<String>> {
    let hash = sqlx::query_scalar!(
        "SELECT hash FROM identity.credentials WHERE user_id = $1 AND kind = $2",
        user.uuid(),
        kind.as_str(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(hash)
}
