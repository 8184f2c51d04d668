//! Section `realtime`: live connections of consoles, drivers and tracking pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;

/// Live connections of consoles, drivers and tracking pages.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Realtime {
    /// Most live connections of one process.
    pub max_connections: u32,
    /// Memory for one slow client; beyond it the client is told to resume.
    pub send_buffer_bytes: u32,
    /// How often an idle connection is asked whether it is there.
    pub ping_s: u32,
}

impl Default for Realtime {
    fn default() -> Self {
        Self { max_connections: 10000, send_buffer_bytes: 256 * 1024, ping_s: 25 }
    }
}

impl Realtime {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.max_connections, 1..=1_000_000, "realtime.max_connections");
        p.range(self.send_buffer_bytes, 4096..=16 * 1024 * 1024, "realtime.send_buffer_bytes");
        p.range(self.ping_s, 5..=120, "realtime.ping_s");
    }
}
