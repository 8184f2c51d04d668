//! One log line, one set of metrics and one id per request.
//!
//! What a caller writes (path, query, headers, body) is not logged: it may hold codes and tokens. The line carries
//! the route template instead. Metric labels are bounded: templates of the router, known methods, statuses.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, Method};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{Edge, RequestContext};
use crate::http::client_addr::{ClientAddr, ClientIp, client_ip};
use crate::http::header::{TRACEPARENT, X_REQUEST_ID};

/// The template of the operation that answered (`/api/v1/orders/{id}`), as a response extension, where the router's
/// own matched path does not tell (the gateway's table).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTemplate(pub Arc<str>);

const REQUESTS: &str = "dropmate_http_requests_total";
const DURATION: &str = "dropmate_http_request_duration_seconds";
const IN_FLIGHT: &str = "dropmate_http_requests_in_flight";

/// Registers the help texts of the HTTP metrics; once per process, after the recorder is installed.
pub fn describe_metrics() {
    metrics::describe_counter!(REQUESTS, "HTTP requests answered, by method, route template and status.");
    metrics::describe_histogram!(
        DURATION,
        metrics::Unit::Seconds,
        "Time from the request's head to the answer's head."
    );
    metrics::describe_gauge!(IN_FLIGHT, "HTTP requests that are being answered now.");
}

pub(super) async fn observe(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    // Monotonic and not the business clock: this measures the machine, and follows it when tests pause time.
    let started = Instant::now();
    let context = RequestContext::new(request.headers(), &edge.random, edge.clock.now());
    let client = remember(&mut request, context, &edge);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().map(|path| Arc::from(path.as_str()));

    let span = tracing::info_span!(
        "http_request",
        request_id = %context.request_id,
        trace_id = %context.trace.trace_id(),
        method = method_label(&method),
    );
    // One trace id in logs, problems, outbox rows and exported spans: the one of the request.
    crate::telemetry::set_parent(&span, &context.trace.to_string());
    let in_flight = InFlight::enter();
    let mut response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);

    let _entered = span.enter();
    let route = response.extensions_mut().remove::<RouteTemplate>().map(|route| route.0).or(matched);
    echo(&mut response, &context);
    record(&method, route.as_deref(), &response, started.elapsed(), client);
    response
}

/// Puts what was found out into the request: extensions for us, headers for a service behind us.
fn remember(request: &mut Request, context: RequestContext, edge: &Edge) -> Option<ClientIp> {
    let peer = request.extensions().get::<ClientAddr>().map(|address| address.0.ip());
    let client = peer.map(|peer| client_ip(peer, request.headers(), &edge.trusted_proxies));
    request.extensions_mut().insert(context);
    if let Some(client) = client {
        request.extensions_mut().insert(client);
    }
    for (name, text) in
        [(X_REQUEST_ID, context.request_id.to_string()), (TRACEPARENT, context.trace.to_string())]
    {
        if let Ok(value) = HeaderValue::from_str(&text) {
            request.headers_mut().insert(name, value);
        }
    }
    client
}

fn echo(response: &mut Response, context: &RequestContext) {
    if let Ok(value) = HeaderValue::from_str(&context.request_id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
}

fn record(
    method: &Method,
    route: Option<&str>,
    response: &Response,
    took: Duration,
    client: Option<ClientIp>,
) {
    let method = method_label(method);
    let route = route.unwrap_or("unmatched");
    let status = response.status().as_u16();
    tracing::info!(
        route,
        status,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        client_ip = client.map(|client| tracing::field::display(client.0)),
        "Answered a request",
    );
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!(REQUESTS, &labels).increment(1);
    metrics::histogram!(DURATION, &labels).record(took.as_secs_f64());
}

/// A closed set: anybody can invent methods, and each label value costs memory for ever.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// Counts down also when the caller goes away and the future is dropped.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        metrics::gauge!(IN_FLIGHT).increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(IN_FLIGHT).decrement(1);
    }
}
