//! Passkeys as the API shows them.

use kernel::ids::PasskeyId;
use kernel::time::Timestamp;
use platform::http::openapi::type_id;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::commands::passkeys::Begun;
use crate::entities;
use crate::store::passkeys::LIFETIME;

/// What to ask a device.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "ceremony": "dmp_0123456789abcdefghjkmnpqrstvwxyz", "expires_in": 300,
    "options": { "challenge": "8Yz2ZC1hdVhZ", "rpId": "dropmate.example", "userVerification": "required" }
}))]
pub(crate) struct PasskeyCeremony {
    /// Names what was begun; it serves once, for five minutes.
    ceremony: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` (Web Authentication, level 3).
    #[schema(value_type = Object)]
    options: Value,
    /// Seconds until it expires.
    expires_in: i64,
}

impl From<Begun> for PasskeyCeremony {
    fn from(begun: Begun) -> Self {
        Self {
            ceremony: begun.ceremony.text().to_owned(),
            options: begun.options,
            expires_in: LIFETIME.as_secs(),
        }
    }
}

/// A passkey of the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Passkey {
    /// Identifier.
    #[schema(schema_with = type_id::<PasskeyId>)]
    id: PasskeyId,
    /// As the caller calls it.
    #[schema(example = "Ada's phone")]
    name: String,
    /// When it was registered.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it last opened a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    last_used_at: Option<Timestamp>,
    /// When it stopped working because its counter went back: there may be a copy. Remove it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    suspended_at: Option<Timestamp>,
}

impl From<entities::Passkey> for Passkey {
    fn from(passkey: entities::Passkey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name.reveal().to_owned(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            suspended_at: passkey.suspended_at,
        }
    }
}

/// A new passkey.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PasskeyRegistered {
    /// The passkey.
    pub(super) passkey: Passkey,
    /// With the first second factor: codes for the day the device is lost, shown this once. Otherwise empty.
    #[schema(example = json!(["0f3k9-7xw2m", "8hq4t-n1z6c"]))]
    pub(super) recovery_codes: Vec<String>,
}
