//! Section `telemetry`: logs, traces and metrics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret, is_web};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Pretty,
}

/// Logs, traces and metrics.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// `auto` (pretty on a terminal, otherwise JSON), `json` or `pretty`.
    pub log_format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`, which is its short name.
    pub filter: String,
    /// Traces go to this OTLP/HTTP collector (`http://host:4318`). Short name: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub otlp_endpoint: Option<String>,
    /// Headers for the collector, as `name=value,name=value`. Short name: `OTEL_EXPORTER_OTLP_HEADERS`.
    pub otlp_headers: Option<Secret>,
    /// Share of the traces that are exported, from 0 to 1.
    pub sample_ratio: f64,
    /// Who presents it as bearer may read `/metrics` from anywhere; without it only this machine may.
    pub metrics_token: Option<Secret>,
    /// Name under which traces appear. Short name: `OTEL_SERVICE_NAME`.
    pub service_name: String,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Auto,
            filter: "info,sqlx=warn,hyper=warn,h2=warn".to_owned(),
            otlp_endpoint: None,
            otlp_headers: None,
            sample_ratio: 1.0,
            metrics_token: None,
            service_name: "dropmate".to_owned(),
        }
    }
}

impl Telemetry {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.check((0.0..=1.0).contains(&self.sample_ratio), "telemetry.sample_ratio", "must be from 0 to 1");
        p.check(
            tracing_subscriber::EnvFilter::try_new(&self.filter).is_ok(),
            "telemetry.filter",
            "is not a filter, like info,dropmate=debug",
        );
        if let Some(url) = &self.otlp_endpoint {
            p.check(
                is_web(url),
                "telemetry.otlp_endpoint",
                "must begin with http:// or https:// and name a host",
            );
        }
        p.check(!self.service_name.is_empty(), "telemetry.service_name", "must not be empty");
    }
}
