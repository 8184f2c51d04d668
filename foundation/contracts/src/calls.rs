//! What services ask each other: the bodies of internal operations, which are no part of the public API.

use std::collections::BTreeSet;

use kernel::ids::{ApiKeyId, OrgId};
use serde::{Deserialize, Serialize};

/// Where identity tells whose a presented API key or device key is.
pub const KEY_EXCHANGE: &str = "/internal/identity/key-exchange";

/// Asks whose a key is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresentedKey {
    /// The key as it was presented.
    pub key: String,
}

/// Whose it is. A key that does not work is answered with 401.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownKey {
    /// The key.
    pub id: ApiKeyId,
    /// Whether it is one of a device.
    pub device: bool,
    /// The organisation that it names.
    pub org: OrgId,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// When it stops working by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<kernel::time::Timestamp>,
}
