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
    /// Where the NATS server tells how it treats its disk (`http://host:8222`). Set: a server that confirms before it has
    /// written to its disk is refused.
    pub nats_monitoring_url: Option<String>,
    /// Name of the JetStream stream and first token of all subjects; another one for each installation in one account.
    pub nats_stream: String,
    /// Copies of the stream in a cluster: 3 where there are three servers or more.
    pub nats_replicas: u32,
    /// Moves event transport to RabbitMQ. Short name: `AMQP_URL`.
    pub amqp_url: Option<Secret>,
    /// How long events stay in the log.
    pub retention_days: u32,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            nats_url: None,
            nats_monitoring_url: None,
            nats_stream: "dropmate".to_owned(),
            nats_replicas: 1,
            amqp_url: None,
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
        let token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let named = !self.nats_stream.is_empty() && self.nats_stream.chars().all(token);
        p.check(named, "bus.nats_stream", "must consist of letters, digits, hyphens and underscores");
        p.range(self.nats_replicas, 1..=5, "bus.nats_replicas");
        let web = self.nats_monitoring_url.as_deref().is_none_or(super::is_web);
        p.check(web, "bus.nats_monitoring_url", "must begin with http:// or https://");
        p.range(self.retention_days, 1..=3650, "bus.retention_days");
    }
}
