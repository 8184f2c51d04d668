//! Orders from a table.

use kernel::ids::{ImportId, OrderId, ShopId, SubjectId, Uuid};
use kernel::time::Timestamp;
use serde::Serialize;

use crate::commands::create::NewOrder;
use crate::domain::import::columns::Mapping;
use crate::domain::import::{RowError, State};
use crate::domain::sheet::Format;

/// An import.
#[derive(Debug, Clone)]
pub struct Import {
    /// Identifier.
    pub id: ImportId,
    /// Counts changes.
    pub version: i64,
    /// Where it stands.
    pub state: State,
    /// Where its orders come from.
    pub shop_id: ShopId,
    /// In which its times were read.
    pub time_zone: String,
    /// SHA-256 of the file.
    pub hash: Vec<u8>,
    /// An import of the same file.
    pub duplicate_of: Option<ImportId>,
    /// Which column is which field.
    pub mapping: Mapping,
    /// How the file is written.
    pub format: Format,
    /// Its rows by what became of them.
    pub counts: Counts,
    /// Whose key seals its rows.
    pub subject: SubjectId,
    /// When that was destroyed.
    pub cleared_at: Option<Timestamp>,
    /// Who sent it.
    pub created_by: String,
    /// In whose name its orders are placed.
    pub confirmed_by: Option<String>,
    /// In whose name they are called off.
    pub undone_by: Option<String>,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When its last row was done.
    pub finished_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Rows by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Wait for an order.
    pub valid: i32,
    /// Will have none.
    pub invalid: i32,
    /// Have one.
    pub created: i32,
    /// Could not have one, although it seemed so.
    pub failed: i32,
    /// Had one that was called off.
    pub undone: i32,
    /// Have one that could not be called off.
    pub kept: i32,
}

/// What the audit log compares.
#[derive(Debug, Serialize)]
pub struct AuditedImport {
    version: i64,
    state: &'static str,
    shop_id: ShopId,
    counts: Counts,
}

impl From<&Import> for AuditedImport {
    fn from(import: &Import) -> Self {
        Self {
            version: import.version,
            state: import.state.as_str(),
            shop_id: import.shop_id,
            counts: import.counts,
        }
    }
}

/// A row of a file before anything is stored.
#[derive(Debug, Clone)]
pub struct Read {
    /// The line or row of the file, counted from 1.
    pub number: u32,
    /// The order that it will be, or why it will be none.
    pub order: Result<NewOrder, Vec<RowError>>,
}

/// A stored row.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Identifier.
    pub id: Uuid,
    /// The line or row of the file, counted from 1.
    pub number: i32,
    /// `valid`, `invalid`, `created`, `failed`, `undone` or `kept`.
    pub state: String,
    /// What was made of it.
    pub order_id: Option<OrderId>,
    /// What it will be, sealed.
    pub content: Option<Vec<u8>>,
    /// What is wrong with it.
    pub errors: Vec<RowError>,
}
