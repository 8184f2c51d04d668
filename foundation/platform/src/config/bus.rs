//! Section `bus`: the event log and how events travel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// The event log and how events travel.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bus {
    /// Moves event transport to NATS JetStream. Short name: `NATS_URL`.
    pub nats_url: Option<Secret>,
    /// Moves event transport to RabbitMQ. Short name: `AMQP_URL`.
    pub amqp_url: Option<Secret>,
    /// How long events stay in the log.
    pub retention_days: u32,
}

impl Default for Bus {
    fn default() -> Self {
        Self { nats_url: None, amqp_url: None, retention_days: 30 }
    }
}

impl Bus {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.check(
            self.nats_url.is_none() || self.amqp_url.is_none(),
            "bus.nats_url",
            "and bus.amqp_url exclude each other: choose one broker",
        );
        p.range(self.retention_days, 1..=3650, "bus.retention_days");
    }
}
