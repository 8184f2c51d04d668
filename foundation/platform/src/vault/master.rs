//! The installation's master key: 32 bytes that never enter the database.

use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

/// The key that wraps all scope keys.
pub struct MasterKey {
    id: String,
    bytes: SecretBox<[u8; 32]>,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MasterKey {
    /// A key; its id is the first 8 bytes of its SHA-256, so that a wrong key is named instead of guessed.
    pub fn new(bytes: [u8; 32]) -> Self {
        let id = hex::encode(&Sha256::digest(bytes)[..8]);
        Self { id, bytes: SecretBox::new(Box::new(bytes)) }
    }

    /// What the database remembers of it.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        self.bytes.expose_secret()
    }
}
