//! Section `auth`: signing in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;

/// Signing in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether anybody may register an organisation. Customers always may.
    pub open_registration: bool,
    /// Shortest password, in characters.
    pub password_min_length: u32,
    /// Most password hashes at the same time (each takes 19 MiB and a core).
    pub hash_concurrency: u32,
    /// Days after which the key that signs access tokens is replaced.
    pub key_rotation_days: u32,
}

impl Default for Auth {
    fn default() -> Self {
        Self { open_registration: false, password_min_length: 10, hash_concurrency: 2, key_rotation_days: 30 }
    }
}

impl Auth {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.password_min_length, 8..=128, "auth.password_min_length");
        p.range(self.hash_concurrency, 1..=64, "auth.hash_concurrency");
        p.range(self.key_rotation_days, 1..=365, "auth.key_rotation_days");
    }
}
