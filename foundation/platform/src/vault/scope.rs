//! The keys of one organisation (or of the installation) that are not about a subject.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use kernel::ids::Uuid;
use kernel::random::Random;
use zeroize::Zeroizing;

use super::seal::{self, Place};
use super::subject::Key;
use crate::Result;

/// What a scope's row holds, unwrapped.
pub(super) struct ScopeKey {
    /// Counts rotations.
    pub version: i32,
    /// Wraps the keys of subjects.
    pub wrapping: Key,
    /// Makes search hashes and seals the scope's own secrets; it survives rotations of the wrapping key.
    pub data: Key,
}

/// The keys of one organisation (or of the installation) that are not about a subject.
#[derive(Clone)]
pub struct ScopeKeys {
    pub(super) key: Arc<ScopeKey>,
    pub(super) scope: Uuid,
    pub(super) random: Random,
}

impl std::fmt::Debug for ScopeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScopeKeys")
    }
}

impl ScopeKeys {
    /// A keyed hash for equality search, 16 bytes: `column` separates uses, the value is already normalised.
    pub fn index(&self, column: &str, normalised: &str) -> Vec<u8> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&*self.key.data)
            .unwrap_or_else(|_| unreachable!("HMAC accepts keys of any length"));
        mac.update(b"index\0");
        mac.update(column.as_bytes());
        mac.update(b"\0");
        mac.update(normalised.as_bytes());
        mac.finalize().into_bytes()[..16].to_vec()
    }

    /// Seals a secret of the organisation itself (a signing key, a provider's token).
    pub fn seal(&self, place: Place, secret: &[u8]) -> Result<Vec<u8>> {
        seal::seal(&self.key.data, &place.associated(self.scope), secret, &self.random)
    }

    /// Opens such a secret.
    pub fn open(&self, place: Place, value: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        seal::open(&self.key.data, &place.associated(self.scope), value).map(Zeroizing::new)
    }
}
