//! Asked of identity.

use std::collections::BTreeSet;

use kernel::ids::{ApiKeyId, OrgId, UserId};
use serde::{Deserialize, Serialize};

use super::Call;

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

impl Call for PresentedKey {
    const SERVICE: &'static str = "identity";
    const PATH: &'static str = KEY_EXCHANGE;
    type Answer = KnownKey;
}

/// Asks how a member of the organisation is called and reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonOf {
    /// The member.
    pub user_id: UserId,
}

/// A person's own words. Whoever asked seals them before storing them. Somebody who is not, or no longer, a member is
/// answered with 404.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// As the person wants to be called.
    pub name: String,
    /// In E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person")
    }
}

impl Call for PersonOf {
    const SERVICE: &'static str = "identity";
    const PATH: &'static str = "/internal/identity/person";
    type Answer = Person;
}
