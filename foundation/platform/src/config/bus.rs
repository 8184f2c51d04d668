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
    /// Most events that the sequencer moves into the log at once.
    pub advance_batch: u32,
    /// Most events that a consumer handles in one transaction.
    pub consume_batch: u32,
    /// How often to look when no notification arrives.
    pub poll_ms: u32,
    /// How long events stay in the log.
    pub retention_days: u32,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            nats_url: None,
            amqp_url: None,
            advance_batch: 1000,
            consume_batch: 100,
            poll_ms: 1000,
            retention_days: 30,
        }
    }
}

impl Bus {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.check(
            self.nats_url.is_none() || self.amqp_url.is_none(),
            "bus.nats_url",
            "and bus.amqp_url exclude each other: choose one broker",
        );
        p.range(self.advance_batch, 1..=100_000, "bus.advance_batch");
        p.range(self.consume_batch, 1..=10_000, "bus.consume_batch");
        p.range(self.poll_ms, 10..=60_000, "bus.poll_ms");
        p.range(self.retention_days, 1..=3650, "bus.retention_days");
    }
}
