//! Section `egress`: calls to other people's servers: webhooks, payment and message providers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;
use crate::egress::Allowed;

/// Calls to other people's servers: webhooks, payment and message providers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Egress {
    /// Addresses outside the public internet that may be called all the same: `192.168.1.10`, `10.1.0.0/16`,
    /// `[fd00::1]:8443`. A port limits the entry to it. Plain `http` is accepted for these only.
    pub allow: Vec<String>,
    /// The longest a call may take, in seconds.
    pub timeout_s: u32,
    /// The longest answer that is read, in bytes.
    pub answer_limit_bytes: u32,
}

impl Default for Egress {
    fn default() -> Self {
        Self { allow: Vec::new(), timeout_s: 20, answer_limit_bytes: 1024 * 1024 }
    }
}

impl Egress {
    pub(super) fn validate(&self, p: &mut Problems) {
        for entry in &self.allow {
            p.check(
                entry.parse::<Allowed>().is_ok(),
                "egress.allow",
                "each must be an address or a network (10.1.0.0/16), with or without a port ([fd00::1]:8443)",
            );
        }
        p.range(self.timeout_s, 1..=120, "egress.timeout_s");
        p.range(self.answer_limit_bytes, 1024..=64 * 1024 * 1024, "egress.answer_limit_bytes");
    }
}
