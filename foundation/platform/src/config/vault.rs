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
    /// The key of the audit chain, when it is not `secrets/audit-key` in the data folder.
    pub audit_key: Option<Secret>,
}
