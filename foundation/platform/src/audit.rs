//! The audit trail: one row per effect, in the effect's transaction; sealed into a chain per organisation afterwards.
//!
//! Chaining inside the business transaction would make an organisation's writes queue up behind each other, so the
//! sealing writer ([`seal`]) runs behind, under a lock on the head of the chain. Each link is HMAC-SHA256 over the link
//! before it and the canonical entry, with a key that never enters the database: who can edit rows cannot forge links.
//! [`verify`] walks the chains and names the places that do not fit. A tail that is cut off together with its head row is
//! shown only by an [`Anchor`] noted outside the database ([`AnchorNote`], [`verify_anchors`]).
//!
//! Entries hold identifiers, hashes and reasons; never personal data.

mod chain;
mod entry;
mod note;

pub use chain::{Anchor, AuditKey, Finding, Report, anchors, seal, unsealed_age_s, verify, verify_anchors};
pub use entry::{Entry, state_hash};
pub use note::AnchorNote;

/// How the trail names whoever runs commands on the machine.
pub const OPERATOR: &str = "operator:cli";
