//! Which trace a span belongs to (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).

use std::sync::OnceLock;

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceState};
use tracing::dispatcher::WeakDispatch;
use tracing::span::{Id, Span};
use tracing::{Dispatch, Subscriber};
use tracing_opentelemetry::{OpenTelemetrySpanExt, get_otel_context};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// 16 bytes, printed as 32 hexadecimal digits.
pub use opentelemetry::trace::TraceId;

/// The trace of the present span, for problem answers and outbox rows. `None` outside of spans.
pub fn current_trace() -> Option<TraceId> {
    current().map(|context| context.trace_id())
}

/// The present span as a `traceparent` header, for outgoing calls.
pub fn traceparent() -> Option<String> {
    let context = current()?;
    Some(format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8()))
}

fn current() -> Option<SpanContext> {
    let context = Span::current().context();
    let span = context.span();
    let found = span.span_context();
    found.is_valid().then(|| found.clone())
}

/// Makes a new span continue the caller's trace. Call it before the span is entered; a header that cannot be read is
/// ignored, as the specification asks. Returns whether the trace was taken over.
pub fn set_parent(span: &Span, traceparent: &str) -> bool {
    let Some(parent) = parse(traceparent) else {
        return false;
    };
    span.set_parent(OtelContext::new().with_remote_span_context(parent)).is_ok()
}

fn parse(header: &str) -> Option<SpanContext> {
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    // Version ff is forbidden; version 00 has exactly four parts, later ones may have more.
    let known = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    if !known || !hex(trace, 32) || !hex(span, 16) || !hex(flags, 2) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

/// Notes the trace id at each span when it is entered, so that the log format can print it (the layer that knows it
/// keeps it to itself).
#[derive(Debug, Default)]
pub struct TraceIds {
    dispatch: OnceLock<WeakDispatch>,
}

struct Noted(TraceId);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TraceIds {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        // Set once: a layer belongs to one subscriber.
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        if span.extensions().get::<Noted>().is_some() {
            return;
        }
        let Some(dispatch) = self.dispatch.get().and_then(WeakDispatch::upgrade) else {
            return;
        };
        if let Some(context) = get_otel_context(id, &dispatch) {
            let trace = context.span().span_context().trace_id();
            span.extensions_mut().replace(Noted(trace));
        }
    }
}

/// The trace that was noted at this span or at the nearest one around it.
pub(super) fn trace_of<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>) -> Option<TraceId> {
    span.scope().find_map(|span| span.extensions().get::<Noted>().map(|noted| noted.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_the_specification_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parsed = parse(good).unwrap();
        assert_eq!(parsed.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(parsed.is_sampled() && parsed.is_remote());
        assert!(parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later").is_some());
        for bad in [
            "",
            "garbage",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
