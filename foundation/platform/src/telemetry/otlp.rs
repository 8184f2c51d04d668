//! Sending traces to a collector over OTLP/HTTP, when one is configured.
//!
//! Without a collector the tracer still gives every span its place in a trace, and records nothing.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData};
use tokio::runtime::Handle;

use super::TelemetryError;
use crate::config;

/// The tracer and, when configured, its exporter.
#[derive(Debug)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    pub fn build(settings: &config::Telemetry, runtime: &Handle) -> Result<Self, TelemetryError> {
        let resource = Resource::builder_empty()
            .with_attribute(KeyValue::new("service.name", settings.service_name.clone()))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let builder = SdkTracerProvider::builder().with_resource(resource);
        let provider = match &settings.otlp_endpoint {
            None => builder.with_sampler(Sampler::AlwaysOff).build(),
            Some(endpoint) => {
                let ratio = Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio));
                let exporter = OnRuntime { inner: exporter(settings, endpoint)?, runtime: runtime.clone() };
                builder.with_sampler(Sampler::ParentBased(ratio)).with_batch_exporter(exporter).build()
            }
        };
        Ok(Self { provider })
    }

    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer("dropmate")
    }

    /// The exporter's thread is waited for, so this leaves the threads of the runtime free to carry its request.
    pub async fn shutdown(self) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces could not be sent"),
            Err(error) => tracing::warn!(%error, "the last traces could not be sent"),
        }
    }
}

fn exporter(settings: &config::Telemetry, endpoint: &str) -> Result<SpanExporter, TelemetryError> {
    // The configured value is the base address, as OTEL_EXPORTER_OTLP_ENDPOINT is defined.
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    SpanExporter::builder()
        .with_http()
        .with_endpoint(url)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(Duration::from_secs(10))
        .with_headers(headers(settings.otlp_headers.as_ref().map_or("", config::Secret::expose)))
        .build()
        .map_err(|error| TelemetryError::Otlp(error.to_string()))
}

fn headers(text: &str) -> HashMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// The library polls its exporter on a plain thread, where an HTTP client of tokio would panic for want of a reactor:
/// each poll enters the runtime.
#[derive(Debug)]
struct OnRuntime {
    inner: SpanExporter,
    runtime: Handle,
}

impl opentelemetry_sdk::trace::SpanExporter for OnRuntime {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        Entered { runtime: self.runtime.clone(), inner: Box::pin(self.inner.export(batch)) }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

struct Entered<F> {
    runtime: Handle,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let runtime = self.runtime.clone();
        let _entered = runtime.enter();
        self.inner.as_mut().poll(cx)
    }
}
