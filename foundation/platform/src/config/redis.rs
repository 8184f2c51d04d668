//! Section `redis`: Redis or Valkey: live positions, presence, caches and rate limits of more than one process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Redis or Valkey: live positions, presence, caches and rate limits of more than one process.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// Connection URL. Short name: `REDIS_URL`. Not set: these live in the memory of the process.
    pub url: Option<Secret>,
}

impl Redis {
    pub(super) fn validate(&self, p: &mut Problems) {
        if let Some(url) = &self.url {
            let right =
                ["redis://", "rediss://", "unix://"].iter().any(|scheme| url.expose().starts_with(scheme));
            p.check(right, "redis.url", "must begin with redis://, rediss:// or unix://");
        }
    }
}
