//! The rows of `platform.files`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff_sqlx::ToSqlx as _;
use kernel::ids::{FileId, Uuid};
use sqlx::Row as _;
use zeroize::Zeroizing;

use crate::db::Tx;
use crate::vault::{Place, Private, SubjectKey};
use crate::{Error, Result};

pub(super) const TABLE: &str = "platform.files";
pub(super) const DATA_KEY: &str = "data_key";

pub(super) struct NewRow {
    pub id: FileId,
    pub org: Uuid,
    pub purpose: &'static str,
    pub media_type: &'static str,
    pub size_bytes: usize,
    pub sha256: Vec<u8>,
    pub subject: Option<Uuid>,
    pub data_key: Option<Vec<u8>>,
}

/// What is needed to read a content.
pub(super) struct Found {
    pub media_type: String,
    pub sha256: Vec<u8>,
    pub sealed: Option<Sealed>,
}

pub(super) struct Sealed {
    pub subject: Uuid,
    pub data_key: Vec<u8>,
}

pub(super) async fn insert(tx: &mut Tx, row: NewRow) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "INSERT INTO platform.files
             (id, org_id, purpose, media_type, size_bytes, sha256, subject_id, data_key, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
    )
    .bind(row.id.uuid())
    .bind(row.org)
    .bind(row.purpose)
    .bind(row.media_type)
    .bind(i64::try_from(row.size_bytes).map_err(Error::internal)?)
    .bind(row.sha256)
    .bind(row.subject)
    .bind(row.data_key)
    .bind(now.to_sqlx())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// False when the file is not in the state that the change begins from.
pub(super) async fn change(tx: &mut Tx, id: FileId, from: &str, to: &str) -> Result<bool> {
    let now = tx.now();
    let changed =
        sqlx::query("UPDATE platform.files SET state = $3, changed_at = $4 WHERE id = $1 AND state = $2")
            .bind(id.uuid())
            .bind(from)
            .bind(to)
            .bind(now.to_sqlx())
            .execute(tx.conn())
            .await?;
    Ok(changed.rows_affected() == 1)
}

/// A file that is kept.
pub(super) async fn find(tx: &mut Tx, id: FileId) -> Result<Option<Found>> {
    let row = sqlx::query(
        "SELECT media_type, sha256, subject_id, data_key FROM platform.files WHERE id = $1 AND state = 'kept'",
    )
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (subject, data_key): (Option<Uuid>, Option<Vec<u8>>) =
        (row.try_get("subject_id")?, row.try_get("data_key")?);
    Ok(Some(Found {
        media_type: row.try_get("media_type")?,
        sha256: row.try_get("sha256")?,
        sealed: subject.zip(data_key).map(|(subject, data_key)| Sealed { subject, data_key }),
    }))
}

pub(super) fn seal_key(subject: &SubjectKey, id: FileId, key: &[u8; 32]) -> Result<Vec<u8>> {
    subject.seal(Place::new(TABLE, DATA_KEY, id), &Private::new(STANDARD.encode(key)))
}

pub(super) fn open_key(subject: &SubjectKey, id: FileId, sealed: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let text = subject.open(Place::new(TABLE, DATA_KEY, id), sealed)?;
    let bytes = Zeroizing::new(STANDARD.decode(text.reveal()).map_err(Error::internal)?);
    Ok(Zeroizing::new(bytes.as_slice().try_into().map_err(Error::internal)?))
}
