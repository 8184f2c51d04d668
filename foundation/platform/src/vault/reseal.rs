//! Sealing anew what an older version of a subject's key has sealed.
//!
//! A service declares its sealed columns; the platform walks them for each subject that has a newer key. When every service
//! has finished, the older version is removed from the database: then nothing opens what an old backup of the keys and an
//! old copy of the rows would have opened together, except those two.

use std::time::Duration;

use kernel::ids::Uuid;
use sqlx::{AssertSqlSafe, Row};

use super::keys::Vault;
use super::seal::{self, Place};
use super::subject::{Subject, SubjectKey};
use crate::db::{Db, Scope, Tx};
use crate::{Error, Result};

/// A new version has sealed for so long before the older values are looked for: longer than any transaction that could
/// still write one.
const SETTLED: Duration = Duration::from_mins(5);
/// Subjects per round.
const ROUND: i32 = 50;

/// A column whose values are sealed with the key of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    /// `schema.table`, as in [`Place`].
    pub table: &'static str,
    /// The column, as in [`Place`].
    pub column: &'static str,
    /// The column of the row's identifier, as in [`Place`].
    pub row: &'static str,
    /// The column of the subject's identifier.
    pub subject: &'static str,
}

/// States that this service owns sealed columns. Idempotent.
pub async fn register(db: &Db) -> Result<()> {
    sqlx::query("SELECT platform.vault_register()").execute(db.pool()).await?;
    Ok(())
}

/// Seals anew what is due in this service's columns; how many subjects were finished. Several processes may do so at once.
pub async fn reseal(db: &Db, vault: &Vault, columns: &[SealedColumn]) -> Result<usize> {
    let settled = i32::try_from(SETTLED.as_secs()).unwrap_or(i32::MAX);
    let due = sqlx::query("SELECT * FROM platform.vault_to_reseal($1, $2)")
        .bind(ROUND)
        .bind(settled)
        .fetch_all(db.pool())
        .await?;
    for row in &due {
        let subject = Subject { scope: row.try_get("scope")?, id: row.try_get("subject_id")? };
        one(db, vault, columns, subject, row.try_get("version")?).await?;
    }
    Ok(due.len())
}

async fn one(db: &Db, vault: &Vault, columns: &[SealedColumn], subject: Subject, version: i16) -> Result<()> {
    let mut tx = db.begin(&subject.org().map_or_else(Scope::installation, Scope::system)).await?;
    // Erased meanwhile: nothing opens any more, and nothing needs to.
    if let Some(key) = vault.existing(&mut tx, subject).await? {
        if i32::from(key.version()) != i32::from(version) {
            return Err(Error::internal("the newest version of a key does not seal yet"));
        }
        for column in columns {
            anew(&mut tx, &key, *column, subject).await?;
        }
        sqlx::query("SELECT platform.vault_resealed($1, $2, $3)")
            .bind(subject.scope)
            .bind(subject.id)
            .bind(version)
            .execute(tx.conn())
            .await?;
    }
    tx.commit().await
}

async fn anew(tx: &mut Tx, key: &SubjectKey, column: SealedColumn, subject: Subject) -> Result<()> {
    let SealedColumn { table, column, row, subject: owner } = column;
    let select = format!(
        "SELECT {row} AS row, {column} AS value FROM {table} WHERE {owner} = $1 AND {column} IS NOT NULL FOR UPDATE"
    );
    let rows = sqlx::query(AssertSqlSafe(select)).bind(subject.id).fetch_all(tx.conn()).await?;
    for found in rows {
        let (id, value): (Uuid, Vec<u8>) = (found.try_get("row")?, found.try_get("value")?);
        if seal::version_of(&value)? == key.version() {
            continue;
        }
        let place = Place::new(table, column, id);
        let sealed = key.seal(place, &key.open(place, &value)?)?;
        let update = format!("UPDATE {table} SET {column} = $2 WHERE {row} = $1 AND {owner} = $3");
        sqlx::query(AssertSqlSafe(update)).bind(id).bind(sealed).bind(subject.id).execute(tx.conn()).await?;
    }
    Ok(())
}
