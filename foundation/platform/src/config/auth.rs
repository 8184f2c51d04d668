//! Section `auth`: signing in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;

/// Signing in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How long an access token is valid.
    pub access_token_ttl_s: u32,
    /// How long a session lives without being used.
    pub refresh_token_ttl_days: u32,
    /// How long the token before the present one is still accepted, for lost answers.
    pub refresh_grace_s: u32,
    /// Whether anybody may register an organisation. Customers always may.
    pub open_registration: bool,
    /// How long the one-time owner link is valid.
    pub owner_link_ttl_s: u32,
    /// Shortest password, in characters.
    pub password_min_length: u32,
    /// Most password hashes at the same time (each takes 19 MiB and a core).
    pub hash_concurrency: u32,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            access_token_ttl_s: 900,
            refresh_token_ttl_days: 30,
            refresh_grace_s: 10,
            open_registration: false,
            owner_link_ttl_s: 1800,
            password_min_length: 10,
            hash_concurrency: 2,
        }
    }
}

impl Auth {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.access_token_ttl_s, 60..=3600, "auth.access_token_ttl_s");
        p.range(self.refresh_token_ttl_days, 1..=365, "auth.refresh_token_ttl_days");
        p.range(self.refresh_grace_s, 0..=60, "auth.refresh_grace_s");
        p.range(self.owner_link_ttl_s, 60..=86_400, "auth.owner_link_ttl_s");
        p.range(self.password_min_length, 8..=128, "auth.password_min_length");
        p.range(self.hash_concurrency, 1..=64, "auth.hash_concurrency");
    }
}
