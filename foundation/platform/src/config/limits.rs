//! Section `limits`: how many requests are answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;

/// How many requests are answered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests per minute of one address without a credential.
    pub anonymous_per_minute: u32,
    /// Requests per minute of one signed-in person.
    pub user_per_minute: u32,
    /// Requests per minute of one API key or device.
    pub key_per_minute: u32,
    /// Messages with positions per minute of one driver, key or device, over whatever way they come.
    pub positions_per_minute: u32,
    /// Tiles of the map per minute of one address: a map that is moved asks for dozens at once.
    pub tiles_per_minute: u32,
    /// Attempts to sign in per minute, per account and per address.
    pub sign_in_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            anonymous_per_minute: 120,
            user_per_minute: 600,
            key_per_minute: 3000,
            positions_per_minute: 600,
            tiles_per_minute: 1200,
            sign_in_per_minute: 10,
        }
    }
}

impl Limits {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.anonymous_per_minute, 1..=1_000_000, "limits.anonymous_per_minute");
        p.range(self.user_per_minute, 1..=1_000_000, "limits.user_per_minute");
        p.range(self.key_per_minute, 1..=1_000_000, "limits.key_per_minute");
        p.range(self.positions_per_minute, 1..=1_000_000, "limits.positions_per_minute");
        p.range(self.tiles_per_minute, 1..=1_000_000, "limits.tiles_per_minute");
        p.range(self.sign_in_per_minute, 1..=1000, "limits.sign_in_per_minute");
    }
}
