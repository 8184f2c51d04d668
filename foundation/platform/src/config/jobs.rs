//! Section `jobs`: background jobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;

/// Background jobs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Most jobs that one process runs at the same time.
    pub concurrency: u32,
    /// How often to look when no notification arrives.
    pub poll_ms: u32,
    /// A job that runs longer is cancelled and tried again.
    pub timeout_s: u32,
    /// After so many failures a job waits for a person.
    pub max_attempts: u32,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { concurrency: 8, poll_ms: 1000, timeout_s: 300, max_attempts: 12 }
    }
}

impl Jobs {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.concurrency, 1..=1000, "jobs.concurrency");
        p.range(self.poll_ms, 10..=60_000, "jobs.poll_ms");
        p.range(self.timeout_s, 1..=86_400, "jobs.timeout_s");
        p.range(self.max_attempts, 1..=100, "jobs.max_attempts");
    }
}
