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
}

impl Default for Jobs {
    fn default() -> Self {
        Self { concurrency: 8 }
    }
}

impl Jobs {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.range(self.concurrency, 1..=1000, "jobs.concurrency");
    }
}
