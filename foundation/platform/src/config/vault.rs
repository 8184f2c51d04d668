//! Section `vault`: protection of personal data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;

/// Protection of personal data.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vault {
    /// File with the installation key, when it is not `secrets/vault-key` in the data folder.
    pub key_file: Option<String>,
    /// How long a data key may stay in memory: an erasure is complete after this time.
    pub cache_s: u32,
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            key_file: None,
            cache_s: 60,
        }
    }
}

impl Vault {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.cache_s, 0..=60, "vault.cache_s");
    }
}
