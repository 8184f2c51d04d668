//! The table of contents of a backup.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::keys::KeyIds;

/// Changes when older programs could not read the file any more.
pub(super) const FORMAT: u32 = 2;

/// What is in a backup, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the file.
    pub format: u32,
    /// The DropMate that wrote it.
    pub dropmate: String,
    /// The server that it was read from.
    pub postgres: String,
    /// When, business time.
    pub made_at: String,
    /// Version of each schema.
    pub schemas: BTreeMap<String, i64>,
    /// Which keys open it.
    pub keys: KeyIds,
    /// Epoch of the event log.
    pub epoch: i64,
    /// Where the log went on, at the latest.
    pub next_offset: i64,
    /// The file beside it with the wrapped keys of people.
    pub key_file: Option<Part>,
    /// Everything else in the file.
    pub parts: Vec<Part>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its path in the archive.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}
