//! Section `vault`: protection of personal data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Protection of personal data.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vault {
    /// The installation key (32 bytes as unpadded base64url), when it is not `secrets/master-key` in the data folder.
    pub master_key: Option<Secret>,
    /// The key of the audit chain, when it is not `secrets/audit-key` in the data folder.
    pub audit_key: Option<Secret>,
    /// How long a data key may stay in memory: an erasure is complete after this time.
    pub cache_s: u32,
}

impl Default for Vault {
    fn default() -> Self {
        Self { master_key: None, audit_key: None, cache_s: 60 }
    }
}

impl Vault {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.cache_s, 0..=60, "vault.cache_s");
    }
}
