//! Every metric that DropMate exposes: one table with name, kind, unit and help text.
//!
//! Names follow <https://prometheus.io/docs/practices/naming/>: prefix, base unit as suffix, `_total` for counters.
//! Labels have few values by construction (route templates, consumer names); never an id, a phone number or a path.

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{TelemetryError, process};

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The whole name.
    pub name: &'static str,
    /// How it moves.
    pub kind: MetricKind,
    /// In what it is measured.
    pub unit: Unit,
    /// What it says, with its labels.
    pub help: &'static str,
}

macro_rules! metrics_table {
    ($($constant:ident $name:literal $kind:ident $unit:ident $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// All metrics, in the order of the documentation.
        pub const TABLE: &[Metric] = &[
            $(Metric { name: $name, kind: MetricKind::$kind, unit: Unit::$unit, help: $help },)*
        ];
    };
}

metrics_table! {
    BUILD_INFO "dropmate_build_info" Gauge Count "Always 1; labels say what is running (version).";
    DEPENDENCY_UP "dropmate_dependency_up" Gauge Count "1 if the dependency is reachable, 0 if not (dependency).";
    TASK_RESTARTS "dropmate_task_restarts_total" Counter Count "Background tasks that failed and were started again (task).";

    HTTP_REQUESTS "dropmate_http_requests_total" Counter Count "Answered requests (method, route, status).";
    HTTP_REQUEST_DURATION "dropmate_http_request_duration_seconds" Histogram Seconds "Time from the request's head to the answer's head (method, route).";
    HTTP_REQUESTS_IN_FLIGHT "dropmate_http_requests_in_flight" Gauge Count "Requests being worked on.";
    HTTP_LIMITED "dropmate_http_limited_total" Counter Count "Requests refused by a rate limit (class).";

    DB_POOL_CONNECTIONS "dropmate_db_pool_connections" Gauge Count "Connections of the pool (pool, state).";
    DB_POOL_WAIT "dropmate_db_pool_wait_seconds" Histogram Seconds "Time spent waiting for a connection (pool).";
    DB_TRANSACTIONS "dropmate_db_transactions_total" Counter Count "Ended transactions (outcome).";
    DB_TRANSACTION_DURATION "dropmate_db_transaction_duration_seconds" Histogram Seconds "Time from BEGIN to the end of COMMIT.";
    DB_RETRIES "dropmate_db_retries_total" Counter Count "Transactions run again after a serialization failure or deadlock.";

    BUS_OUTBOX_EVENTS "dropmate_bus_outbox_events" Gauge Count "Events that wait for the sequencer.";
    BUS_OUTBOX_AGE "dropmate_bus_outbox_age_seconds" Gauge Seconds "Age of the oldest event that waits for the sequencer.";
    BUS_SEQUENCED "dropmate_bus_sequenced_total" Counter Count "Events moved into the log.";
    BUS_LOG_OFFSET "dropmate_bus_log_offset" Gauge Count "Offset of the newest event in the log.";
    BUS_CONSUMER_LAG "dropmate_bus_consumer_lag_events" Gauge Count "Events that a consumer has not handled (consumer).";
    BUS_CONSUMED "dropmate_bus_consumed_total" Counter Count "Handled events (consumer, outcome).";
    BUS_DELIVERY_DELAY "dropmate_bus_delivery_delay_seconds" Histogram Seconds "Time from commit to the consumer (consumer).";
    BUS_DEAD_LETTERS "dropmate_bus_dead_letters" Gauge Count "Events set aside for a person (consumer).";

    BROKER_RELAYED "dropmate_broker_relayed_total" Counter Count "Events that a broker has confirmed.";
    BROKER_BATCHES "dropmate_broker_batches_total" Counter Count "Batches of consumers behind a broker (from: broker, or log where the broker left a hole or was silent).";
    BROKER_REBUILDS "dropmate_broker_rebuilds_total" Counter Count "Times that the broker's stream was made anew from the log.";

    CACHE_READS "dropmate_cache_reads_total" Counter Count "Looks into the cache (namespace, outcome: hit or miss).";
    CACHE_FALLBACKS "dropmate_cache_fallbacks_total" Counter Count "Operations done in memory because the shared store is away (part).";

    JOBS_QUEUE_DEPTH "dropmate_jobs_queue_depth" Gauge Count "Jobs that are due and wait (queue).";
    JOBS_OLDEST_AGE "dropmate_jobs_oldest_age_seconds" Gauge Seconds "How long the oldest due job has waited (queue).";
    JOBS_FINISHED "dropmate_jobs_finished_total" Counter Count "Attempts that ended (job, outcome).";
    JOBS_DURATION "dropmate_jobs_duration_seconds" Histogram Seconds "Run time of one attempt (job).";
    JOBS_DEAD "dropmate_jobs_dead" Gauge Count "Jobs that gave up and wait for a person (queue).";

    REALTIME_CONNECTIONS "dropmate_realtime_connections" Gauge Count "Live connections (kind).";
    REALTIME_MESSAGES "dropmate_realtime_messages_total" Counter Count "Messages sent to live connections (kind).";
    REALTIME_RESUMES "dropmate_realtime_resumes_total" Counter Count "Connections that resumed, or were told to (reason).";

    AUTH_SIGN_INS "dropmate_auth_sign_ins_total" Counter Count "Attempts to sign in (outcome).";
    AUTH_REFRESH_REUSE "dropmate_auth_refresh_reuse_total" Counter Count "Used refresh tokens that came again: their session was ended.";
    AUTH_HASH_WAIT "dropmate_auth_hash_wait_seconds" Histogram Seconds "Time spent waiting for a place to hash a password.";
    AUTH_HASHES_RUNNING "dropmate_auth_hashes_running" Gauge Count "Passwords and PINs being hashed at this moment.";
    IDEMPOTENCY_REPLAYS "dropmate_idempotency_replays_total" Counter Count "Requests that were answered from a stored result.";
    AUDIT_UNSEALED_AGE "dropmate_audit_unsealed_age_seconds" Gauge Seconds "Age of the oldest audit row that is not sealed.";
    VAULT_KEY_LOADS "dropmate_vault_key_loads_total" Counter Count "Data keys unwrapped (outcome).";
    TRAVEL_TIMES_ANSWERS "dropmate_travel_times_answers_total" Counter Count "Answers that a source of travel times had a part in (source).";
    TRAVEL_TIMES_FAILURES "dropmate_travel_times_failures_total" Counter Count "Questions for travel times that a source could not answer (source).";
    MAIL_MESSAGES "dropmate_mail_messages_total" Counter Count "E-mails handed over (outcome).";
}

/// Buckets for durations, from 1 ms to 30 s: an answer below 5 ms and a timeout must both be seen.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What `/metrics` shows.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Installs the recorder for the whole process.
    pub fn install() -> Result<Self, TelemetryError> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| TelemetryError::Twice(error.to_string()))?;
        describe();
        metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self { handle })
    }

    /// A recorder of its own, for tests: use it with `metrics::with_local_recorder`.
    pub fn local() -> Result<(Self, PrometheusRecorder), TelemetryError> {
        let recorder = recorder()?;
        metrics::with_local_recorder(&recorder, describe);
        Ok((Self { handle: recorder.handle() }, recorder))
    }

    /// The text format of Prometheus, version 0.0.4.
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        text.push_str(&process::render());
        text
    }

    /// Folds buffered observations; call it every few seconds, so that memory stays bounded when nobody scrapes.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn recorder() -> Result<PrometheusRecorder, TelemetryError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .map_err(|error| TelemetryError::Twice(error.to_string()))?;
    Ok(builder.build_recorder())
}

fn describe() {
    for metric in TABLE {
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
            MetricKind::Histogram => metrics::describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_help_follow_the_conventions() {
        let mut seen = BTreeSet::new();
        for metric in TABLE {
            let name = metric.name;
            assert!(seen.insert(name), "{name} stands twice");
            assert!(name.starts_with("dropmate_"), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert!(metric.help.len() > 10 && metric.help.ends_with('.'), "{name} has no help text");
            assert_eq!(metric.kind == MetricKind::Counter, name.ends_with("_total"), "{name}");
            assert_eq!(metric.unit == Unit::Seconds, name.ends_with("_seconds"), "{name}");
            let histogram_has_unit = metric.kind != MetricKind::Histogram || name.ends_with("_seconds");
            assert!(histogram_has_unit, "{name}");
        }
    }

    #[test]
    fn what_is_rendered_has_help_type_and_buckets() {
        let (shown, recorder) = Metrics::local().unwrap();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!(HTTP_REQUESTS, "method" => "GET", "status" => "200").increment(1);
            metrics::histogram!(HTTP_REQUEST_DURATION, "method" => "GET").record(0.004);
            metrics::gauge!(BUS_OUTBOX_AGE).set(1.5);
        });
        let text = shown.render();
        for line in [
            "# HELP dropmate_http_requests_total Answered requests",
            "# TYPE dropmate_http_request_duration_seconds histogram",
            "dropmate_http_request_duration_seconds_bucket{method=\"GET\",le=\"0.005\"} 1",
            "dropmate_bus_outbox_age_seconds 1.5",
            "# TYPE process_cpu_seconds_total counter",
            "process_resident_memory_bytes ",
            "process_open_fds ",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
