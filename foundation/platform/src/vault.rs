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
//! - Destroying the subject key makes every copy unreadable, also in backups that lack the key.
//! - A sealed value on its way through the program is a [`Private`]: it cannot be printed, logged or serialised by
//!   accident.
//! - Search: [`ScopeKeys::index`] gives a keyed hash of a normalised value, equal for equal values of one column of one
//!   organisation, and of no use without the key.
//! - Keys that were read from the database are cached for at most 60 seconds. A key that the running transaction
//!   creates is not cached before it has committed: a roll-back would leave values sealed with a key that never existed.

mod keys;
mod master;
mod seal;

pub use keys::{ScopeKeys, Subject, SubjectKey, Vault, master_key_ids};
pub use master::MasterKey;
pub use seal::{Place, Private};
