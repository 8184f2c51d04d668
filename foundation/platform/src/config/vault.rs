//! Section `vault`: protection of personal data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// Protection of personal data.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vault {
    /// The installation key (32 bytes as unpadded base64url), when it is not `secrets/master-key` in the data folder.
    pub master_key: Option<Secret>,
    /// Installation keys that may still open what was sealed before, while `master_key` is being changed
    /// (`dropmate vault rotate installation` wraps everything under `master_key`).
    pub other_master_keys: Vec<Secret>,
    /// The key of the audit chain, when it is not `secrets/audit-key` in the data folder.
    pub audit_key: Option<Secret>,
}
