//! The keys as the database holds them, reached through functions only.

use std::time::{Duration, Instant};

use kernel::ids::Uuid;
use sqlx::Row;
use sqlx::postgres::PgRow;
use zeroize::Zeroizing;

use super::master::Ring;
use super::scope::ScopeKey;
use super::seal;
use super::subject::{Key, Subject, Version};
use crate::Result;
use crate::db::Tx;

/// A scope's row, wrapped.
pub(super) struct StoredScope {
    pub wrapped: Vec<u8>,
    pub key_id: String,
    pub version: i32,
    pub data: Option<Vec<u8>>,
}

impl StoredScope {
    pub fn unwrap(&self, ring: &Ring, scope: Uuid) -> Result<ScopeKey> {
        let master = ring.find(&self.key_id)?;
        let wrapping = unwrap(master.bytes(), &aad_scope(scope), &self.wrapped)?;
        let data = match &self.data {
            Some(data) => unwrap(&wrapping, &aad_data(scope), data)?,
            None => wrapping.clone(),
        };
        Ok(ScopeKey { version: self.version, wrapping, data })
    }
}

/// What is known of a subject.
pub(super) enum StoredSubject {
    Absent,
    Destroyed,
    /// Oldest version first.
    Versions(Vec<StoredVersion>),
}

pub(super) struct StoredVersion {
    number: i16,
    wrapped: Vec<u8>,
    usable_in: Duration,
}

impl StoredVersion {
    pub fn unwrap(&self, scope: &ScopeKey, subject: Subject) -> Result<Version> {
        Ok(Version {
            number: u16::try_from(self.number).unwrap_or(1),
            key: unwrap(&scope.wrapping, &aad_subject(subject), &self.wrapped)?,
            usable_from: Instant::now() + self.usable_in,
        })
    }
}

/// Scope and subject in one round trip; `None` when the scope has no key yet.
pub(super) async fn read(
    tx: &mut Tx,
    scope: Uuid,
    subject: Uuid,
) -> Result<Option<(StoredScope, StoredSubject)>> {
    let rows = sqlx::query("SELECT * FROM platform.vault_read($1, $2)")
        .bind(scope)
        .bind(subject)
        .fetch_all(tx.conn())
        .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let stored = StoredScope {
        wrapped: first.try_get("scope_wrapped")?,
        key_id: first.try_get("scope_key_id")?,
        version: first.try_get("scope_version")?,
        data: first.try_get("scope_data")?,
    };
    Ok(Some((stored, versions(&rows)?)))
}

fn versions(rows: &[PgRow]) -> Result<StoredSubject> {
    let mut versions = Vec::new();
    for row in rows {
        let Some(number) = row.try_get("subject_version")? else { return Ok(StoredSubject::Absent) };
        let Some(wrapped) = row.try_get("subject_wrapped")? else { return Ok(StoredSubject::Destroyed) };
        let seconds: f64 = row.try_get("usable_in_s")?;
        versions.push(StoredVersion {
            number,
            wrapped,
            usable_in: Duration::from_secs_f64(seconds.max(0.0)),
        });
    }
    Ok(StoredSubject::Versions(versions))
}

/// False when the database's keys are wrapped by another installation key.
pub(super) async fn make_scope(tx: &mut Tx, scope: Uuid, wrapped: Vec<u8>, key_id: &str) -> Result<bool> {
    let made = sqlx::query_scalar("SELECT platform.vault_make_scope($1, $2, $3)")
        .bind(scope)
        .bind(wrapped)
        .bind(key_id)
        .fetch_one(tx.conn())
        .await?;
    Ok(made)
}

/// The installation key that the database's keys are wrapped by.
pub(super) async fn key_id(tx: &mut Tx) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT platform.vault_key_id()").fetch_one(tx.conn()).await?)
}

/// False when the scope's key is another version by now.
pub(super) async fn make_subject(
    tx: &mut Tx,
    subject: Subject,
    wrapped: Vec<u8>,
    scope_version: i32,
) -> Result<bool> {
    let made = sqlx::query_scalar("SELECT platform.vault_make_subject($1, $2, $3, $4)")
        .bind(subject.scope)
        .bind(subject.id)
        .bind(wrapped)
        .bind(scope_version)
        .fetch_one(tx.conn())
        .await?;
    Ok(made)
}

pub(super) fn unwrap(key: &[u8; 32], associated: &[u8], wrapped: &[u8]) -> Result<Key> {
    let bytes = Zeroizing::new(seal::open(key, associated, wrapped)?);
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(crate::Error::internal)?;
    Ok(Zeroizing::new(bytes))
}

pub(super) fn aad_scope(scope: Uuid) -> Vec<u8> {
    format!("dropmate\0scope key\0{scope}").into_bytes()
}

pub(super) fn aad_data(scope: Uuid) -> Vec<u8> {
    format!("dropmate\0scope data key\0{scope}").into_bytes()
}

pub(super) fn aad_subject(subject: Subject) -> Vec<u8> {
    format!("dropmate\0subject key\0{}\0{}", subject.scope, subject.id).into_bytes()
}
