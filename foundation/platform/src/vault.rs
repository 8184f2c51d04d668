//! Personal data at rest: sealed with a key per data subject, wrapped by a key per organisation, wrapped by the
//! installation's master key.
//!
//! ```text
//! master key (file or secret store, never in the database)
//!   `- scope key     one per organisation, one for the installation   AES-256-GCM-SIV, wrapped
//!        `- subject key   one per person                              AES-256-GCM-SIV, wrapped
//!             `- sealed value   nonce + ciphertext                    bound to scope, table, column and row
//! ```
//!
//! - A value that was moved to another row, column, table or organisation does not open: the place is authenticated.
//! - Destroying the subject key makes every copy unreadable, also in backups that lack the key. Each erasure is noted in a
//!   journal outside the database, and done again after a restore.
//! - Every key can be changed while it is used (`rotate`): installation and organisation keys wrap anew, subject keys get a
//!   next version that is published before it seals.
//! - A sealed value on its way through the program is a [`Private`]: it cannot be printed, logged or serialised by
//!   accident.
//! - Search: [`ScopeKeys::index`] gives a keyed hash of a normalised value, equal for equal values of one column of one
//!   organisation, and of no use without the key.
//! - Keys that were read from the database are cached for at most 60 seconds. A key that the running transaction
//!   creates is not cached before it has committed: a roll-back would leave values sealed with a key that never existed.

mod cache;
mod erasure;
mod keys;
mod master;
mod reseal;
mod rotate;
mod scope;
mod seal;
mod stored;
mod subject;

use crate::Result;
use crate::db::SystemDb;

pub use erasure::{Erasure, Line, journaled, replay, waiting};
pub use keys::Vault;
pub use master::{MasterKey, MasterKeys};
pub use reseal::{SealedColumn, register, reseal};
pub use scope::ScopeKeys;
pub use seal::{Place, Private};
pub(crate) use seal::{open as open_content, seal as seal_content};
pub use subject::{Subject, SubjectKey};

/// The ids of the master keys under which the database's keys are wrapped: one, or none on an empty installation.
pub async fn master_key_ids(system: &SystemDb) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar("SELECT DISTINCT key_id FROM platform.vault_scope_keys ORDER BY 1")
        .fetch_all(system.pool())
        .await?;
    Ok(ids)
}
