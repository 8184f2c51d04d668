//! Logs, traces and metrics.
//!
//! Rules: one line per event, JSON unless a person watches; every line inside a request carries its W3C trace id, and
//! so do problem answers and outbox rows ([`current_trace`]); passwords in addresses and bearer tokens are cut out of
//! lines before they are written, whatever formatted them; metric names stand in one table ([`metrics::TABLE`]).
//!
//! The one thing that is installed for the whole process is what the libraries `tracing` and `metrics` ask for: their
//! sink. Nothing is read back from it except the trace of the present span.

mod json;
pub mod metrics;
mod otlp;
pub mod process;
mod scrub;
mod trace;

use tokio::runtime::Handle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

pub use json::JsonLines;
pub use scrub::{Scrubbed, scrub};
pub use trace::{TraceId, TraceIds, current_trace, set_parent, traceparent};

use crate::config::{self, LogFormat};
use metrics::Metrics;

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("telemetry.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter of traces could not be built.
    #[error("telemetry.otlp_endpoint: {0}")]
    Otlp(String),
    /// Something else was installed before.
    #[error("telemetry was already set up: {0}")]
    Twice(String),
}

/// Set-up telemetry; keep it until the end and call [`Self::shutdown`] so that the last spans are sent.
#[derive(Debug)]
pub struct Telemetry {
    /// What `/metrics` shows.
    pub metrics: Metrics,
    traces: otlp::Traces,
}

impl Telemetry {
    /// Installs logging, tracing and metrics for the whole process. `terminal` says whether a person is watching.
    pub fn init(
        settings: &config::Telemetry,
        terminal: bool,
        runtime: &Handle,
    ) -> Result<Self, TelemetryError> {
        let traces = otlp::Traces::build(settings, runtime)?;
        let subscriber = subscriber(settings, terminal, &traces, std::io::stderr)?;
        tracing::subscriber::set_global_default(subscriber)
            .map_err(|error| TelemetryError::Twice(error.to_string()))?;
        Ok(Self { metrics: Metrics::install()?, traces })
    }

    /// Sends what is buffered. Bounded by the exporter's own deadline.
    pub async fn shutdown(self) {
        self.traces.shutdown().await;
    }
}

fn subscriber<W>(
    settings: &config::Telemetry,
    terminal: bool,
    traces: &otlp::Traces,
    writer: W,
) -> Result<impl tracing::Subscriber + Send + Sync + use<W>, TelemetryError>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&settings.filter)?;
    let pretty = match settings.log_format {
        LogFormat::Auto => terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(Scrubbed(writer));
    let lines = if pretty {
        lines.with_ansi(terminal).with_target(false).compact().boxed()
    } else {
        lines.fmt_fields(tracing_subscriber::fmt::format::JsonFields::new()).event_format(JsonLines).boxed()
    };
    // The order matters: spans get their trace before the layers above ask for it.
    let spans =
        tracing_opentelemetry::layer().with_tracer(traces.tracer()).with_location(false).with_threads(false);
    Ok(Registry::default().with(filter).with(spans).with(TraceIds::default()).with(lines))
}

#[cfg(test)]
mod tests;
