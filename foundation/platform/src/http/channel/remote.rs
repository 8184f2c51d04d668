//! A service in another process: HTTP/2 without TLS inside the private network of an installation.
//!
//! One connection carries all calls and is asked every two seconds whether anybody is there, so that a peer which
//! vanished without a word (a cable, a paused process) is noticed within [`PING_EVERY`] + [`PING_PATIENCE`], not when the
//! operating system gives up.
//!
//! **What is tried again**, at most twice and within the deadline: what certainly was not sent (no connection), and,
//! when the connection broke while it was answered, only what may happen twice without harm: `GET`, `HEAD`, and what a
//! signed-in caller or a service in its own name sent with an `Idempotency-Key` (without a caller the key is not looked at, ADR 0014).

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, EXPECT};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri, Version};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kernel::random::Random;

use super::breaker::Breaker;
use crate::auth::{OnBehalf, ServiceIdentity};
use crate::http::callers::{CLIENT_IP, REFUSED, SERVICE_TOKEN};
use crate::http::extract::{BodyLimit, fault_of, read};
use crate::http::header::{IDEMPOTENCY_KEY, TRACEPARENT, X_REQUEST_ID};
use crate::http::layers::RequestContext;
use crate::http::{ClientIp, DEADLINE_MS, Deadline};
use crate::{Error, Kind, Result};

/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How often a connection is asked whether the other side is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(2);
const PING_PATIENCE: Duration = Duration::from_secs(2);
/// How often a call is tried again.
const RETRIES: u32 = 2;
/// The longest pause before a call is tried again; drawn anew each time.
const LONGEST_PAUSE_MS: u64 = 100;
/// Bodies up to this size are kept until the answer begins, so that they can be sent again.
const KEPT: u64 = 256 * 1024;

/// Where a service is, and who calls it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name: the audience of the tokens.
    pub service: &'static str,
    /// Host and port.
    pub authority: Authority,
    /// Who calls.
    pub identity: ServiceIdentity,
    /// For the pauses between tries.
    pub random: Random,
}

/// The client of one service; clones share connection and circuit.
#[derive(Clone)]
pub struct Remote {
    target: Arc<Target>,
    client: Client<HttpConnector, Body>,
    breaker: Breaker,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("service", &self.target.service).finish_non_exhaustive()
    }
}

impl Remote {
    /// Nothing is connected before the first call.
    pub fn new(target: Target) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_secs(10)));
        connector.set_keepalive_interval(Some(Duration::from_secs(3)));
        connector.set_keepalive_retries(Some(3));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(true)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_PATIENCE)
            .http2_keep_alive_while_idle(true)
            .build(connector);
        Self { target: Arc::new(target), client, breaker: Breaker::default() }
    }

    /// Whether calls are turned away because it could not be reached several times in a row.
    pub fn is_cut_off(&self) -> bool {
        self.breaker.is_open()
    }

    async fn send(self, request: Request<Body>) -> Result<Response> {
        let (parts, body) = request.into_parts();
        let limit = parts.extensions.get::<BodyLimit>().copied().unwrap_or_default();
        let mut body = Outgoing::keep(body, limit).await?;
        let (mut tried, mut renewed) = (0, false);
        loop {
            let permit = self.breaker.admit().map_err(|wait| self.away().with_retry_after(wait))?;
            let request = self.request(&parts, body.take())?;
            let outcome = self.client.request(request).await;
            match outcome {
                Ok(response) if response.headers().contains_key(REFUSED) => {
                    permit.reached();
                    self.target.identity.forget_tokens();
                    // Refused before anything was looked at. Once more with a new token; the user has no part in it.
                    if renewed || !body.is_kept() {
                        return Err(self.away().with_source("it did not accept who calls"));
                    }
                    renewed = true;
                }
                Ok(response) => {
                    permit.reached();
                    return Ok(response.map(Body::new));
                }
                Err(error) => {
                    if let Some(fault) = body.fault() {
                        return Err(fault.with_source(error));
                    }
                    permit.failed();
                    let again = body.is_kept() && (error.is_connect() || may_happen_twice(&parts));
                    if tried == RETRIES || !again {
                        return Err(self.away().with_source(error));
                    }
                    tried += 1;
                    self.pause(&error, tried).await;
                }
            }
        }
    }

    /// A moment, so that all callers of a service that comes back do not come at once.
    async fn pause(&self, error: &ClientError, tried: u32) {
        let service = self.target.service;
        tracing::debug!(service, tried, cause = %error, "a call is tried again");
        crate::lifecycle::pause(Duration::from_millis(5 + self.target.random.below(LONGEST_PAUSE_MS))).await;
    }

    fn away(&self) -> Error {
        Error::new(
            Kind::Unavailable,
            "unavailable",
            "A part of this installation cannot be reached at the moment.",
        )
        .with_retry_after(Duration::from_secs(1))
        .with_extension("service", self.target.service)
    }

    fn request(&self, parts: &Parts, body: Body) -> Result<Request<Body>> {
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri(&parts.uri)?;
        let headers = request.headers_mut();
        *headers = parts.headers.clone();
        headers.remove(EXPECT);
        // What is said about the caller is said here and nowhere else, whatever came from outside.
        for name in [SERVICE_TOKEN, CLIENT_IP, DEADLINE_MS] {
            headers.remove(name);
        }
        let on_behalf = parts.extensions.get::<OnBehalf>().copied().unwrap_or_default();
        headers.insert(SERVICE_TOKEN, self.target.identity.token(self.target.service, on_behalf)?);
        if let Some(client) = parts.extensions.get::<ClientIp>() {
            headers.insert(CLIENT_IP, text(&client.0)?);
        }
        if let Some(deadline) = parts.extensions.get::<Deadline>() {
            headers.insert(DEADLINE_MS, deadline.header());
        }
        if let Some(context) = parts.extensions.get::<RequestContext>() {
            headers.insert(X_REQUEST_ID, text(&context.request_id)?);
            headers.insert(TRACEPARENT, text(&context.trace)?);
        }
        Ok(request)
    }

    fn uri(&self, asked: &Uri) -> Result<Uri> {
        let mut to = http::uri::Parts::default();
        to.scheme = Some(Scheme::HTTP);
        to.authority = Some(self.target.authority.clone());
        to.path_and_query =
            Some(asked.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
        Uri::from_parts(to).map_err(Error::internal)
    }
}

fn text(value: &impl ToString) -> Result<HeaderValue> {
    HeaderValue::from_str(&value.to_string()).map_err(Error::internal)
}

/// Whether it does no harm if the service did it and the answer was lost.
fn may_happen_twice(request: &Parts) -> bool {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let known = request.headers.contains_key(AUTHORIZATION)
        || matches!(request.extensions.get(), Some(OnBehalf::System(_)));
    reads || (request.headers.contains_key(IDEMPOTENCY_KEY) && known)
}

/// A body on its way: kept while it is small, sent through once when it is not.
enum Outgoing {
    Kept(Bytes),
    Once(Option<Body>, Fault),
}

/// What was wrong with a body on its way in. The client that sends it on does not pass the reason back.
type Fault = Arc<Mutex<Option<Error>>>;

impl Outgoing {
    async fn keep(body: Body, limit: BodyLimit) -> Result<Self> {
        if body.size_hint().upper().is_none_or(|size| size > KEPT) {
            let fault = Fault::default();
            let noted = Arc::clone(&fault);
            let watched = body.map_err(move |error| {
                let broken =
                    || Error::new(Kind::Malformed, "broken_body", "The body could not be read to its end.");
                let fault = fault_of(&error, limit).unwrap_or_else(broken);
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                error
            });
            return Ok(Self::Once(Some(Body::new(watched)), fault));
        }
        Ok(Self::Kept(read(body, limit).await?))
    }

    fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }

    fn take(&mut self) -> Body {
        match self {
            Self::Kept(bytes) => Body::from(bytes.clone()),
            Self::Once(body, _) => body.take().unwrap_or_default(),
        }
    }

    /// Whether the body itself, and not the wire, was at fault.
    fn fault(&self) -> Option<Error> {
        match self {
            Self::Kept(_) => None,
            Self::Once(_, fault) => fault.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }
    }
}

impl tower::Service<Request<Body>> for Remote {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
