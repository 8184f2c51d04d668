//! Erasures, remembered outside the database.
//!
//! Bringing back an older backup would bring back the keys of people who were erased since. Each erasure is therefore copied
//! into a journal beside the database ([`waiting`], [`journaled`]), and a restore does again what the journal says
//! ([`replay`]). A line holds identifiers only, and a MAC over itself and the line before it: a changed, removed or
//! reordered line is named.

use hmac::Mac;
use kernel::ids::Uuid;
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::Result;
use crate::audit::AuditKey;
use crate::db::SystemDb;

/// One erased subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The organisation that knew it; nil for the installation.
    pub scope: Uuid,
    /// The subject.
    pub subject: Uuid,
    /// Machine time.
    pub erased_at: Timestamp,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What happened.
    #[serde(flatten)]
    pub erasure: Erasure,
    /// Over this line and the one before it, hexadecimal.
    pub mac: String,
}

impl Line {
    /// The line after one with this MAC (empty: the first line).
    pub fn after(previous: &str, erasure: Erasure, key: &AuditKey) -> Result<Self> {
        let mut mac = key.keyed("erasure");
        mac.update(previous.as_bytes());
        mac.update(&serde_json::to_vec(&erasure)?);
        Ok(Self { mac: hex::encode(mac.finalize().into_bytes()), erasure })
    }

    /// Whether it is the line that was written after one with this MAC.
    pub fn follows(&self, previous: &str, key: &AuditKey) -> Result<bool> {
        Ok(Self::after(previous, self.erasure.clone(), key)?.mac == self.mac)
    }
}

/// Committed erasures that are not in the journal yet, with their numbers, in order.
pub async fn waiting(system: &SystemDb, limit: i64) -> Result<Vec<(i64, Erasure)>> {
    let rows = sqlx::query(
        "SELECT sequence, scope, subject_id, erased_at FROM platform.erasures WHERE NOT journaled ORDER BY sequence LIMIT $1",
    )
    .bind(limit)
    .fetch_all(system.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let erasure = Erasure {
                scope: row.try_get("scope")?,
                subject: row.try_get("subject_id")?,
                erased_at: row.try_get::<jiff_sqlx::Timestamp, _>("erased_at")?.to_jiff(),
            };
            Ok((row.try_get("sequence")?, erasure))
        })
        .collect()
}

/// These are in the journal now.
pub async fn journaled(system: &SystemDb, numbers: &[i64]) -> Result<()> {
    sqlx::query("UPDATE platform.erasures SET journaled = true WHERE sequence = ANY($1)")
        .bind(numbers)
        .execute(system.pool())
        .await?;
    Ok(())
}

/// Erases again, after an older backup came back; how many were there again.
pub async fn replay(system: &SystemDb, erasures: &[Erasure]) -> Result<usize> {
    let mut tx = system.begin().await?;
    let mut again = 0;
    for erasure in erasures {
        sqlx::query("SELECT set_config('dropmate.org', $1, true)")
            .bind(erasure.scope.to_string())
            .execute(tx.conn())
            .await?;
        // An organisation that is not in the backup has no keys that could be brought back.
        let destroyed: Option<bool> = sqlx::query_scalar(
            "SELECT platform.vault_destroy_subject(scope, $2) FROM platform.vault_scope_keys WHERE scope = $1",
        )
        .bind(erasure.scope)
        .bind(erasure.subject)
        .fetch_optional(tx.conn())
        .await?;
        again += usize::from(destroyed == Some(true));
    }
    tx.commit().await?;
    Ok(again)
}
