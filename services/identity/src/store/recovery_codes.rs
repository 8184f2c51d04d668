//! Recovery codes as keyed hashes.

use jiff_sqlx::ToSqlx;
use kernel::ids::UserId;
use platform::Result;
use platform::db::Tx;
use platform::vault::{Private, Vault};

use crate::domain::recovery;

/// What is stored. The key is the installation's: without it 50 bits cannot be searched in a stolen database.
async fn hash(tx: &mut Tx, vault: &Vault, user: UserId, normalised: &str) -> Result<Vec<u8>> {
    let keys = vault.installation(tx).await?;
    Ok(keys.index("recovery_codes", &format!("{user} {normalised}")))
}

/// Replaces a person's codes.
pub async fn replace(tx: &mut Tx, vault: &Vault, user: UserId, codes: &[Private]) -> Result<()> {
    remove(tx, user).await?;
    let now = tx.now();
    let mut hashes = Vec::with_capacity(codes.len());
    for code in codes.iter().filter_map(|code| recovery::normalised(code.reveal())) {
        hashes.push(hash(tx, vault, user, &code).await?);
    }
    sqlx::query!(
        "INSERT INTO identity.recovery_codes (user_id, hash, created_at)
         SELECT $1, hash, $3 FROM unnest($2::bytea[]) AS hash",
        user.uuid(),
        &hashes,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a code up; false when it is none of the person's or was used before.
pub async fn take(tx: &mut Tx, vault: &Vault, user: UserId, normalised: &str) -> Result<bool> {
    let hash = hash(tx, vault, user, normalised).await?;
    let now = tx.now();
    let done = sqlx::query!(
        "UPDATE identity.recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL",
        user.uuid(),
        hash,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many are left.
pub async fn left(tx: &mut Tx, user: UserId) -> Result<i64> {
    let left = sqlx::query_scalar!(
        r#"SELECT count(*) AS "left!" FROM identity.recovery_codes WHERE user_id = $1 AND used_at IS NULL"#,
        user.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(left)
}

/// Removes all.
pub async fn remove(tx: &mut Tx, user: UserId) -> Result<()> {
    sqlx::query!("DELETE FROM identity.recovery_codes WHERE user_id = $1", user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
