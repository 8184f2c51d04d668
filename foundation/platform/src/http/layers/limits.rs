//! Limits of a request in size and time.
//!
//! A body that announces too much is refused before it is read (413). One that stops arriving ends the read with
//! 408. When the total time is over, the answer is 408 if the body was still arriving (the caller is slow) and 503
//! if it was there (we are slow). The time ends when the answer begins, so event streams are not cut.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONNECTION, CONTENT_LENGTH};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tower_http::timeout::TimeoutBody;

use crate::http::Deadline;
use crate::http::extract::{BodyLimit, read};
use crate::http::upload::is_file;
use crate::{Error, Kind};

/// How large and how slow a request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Bytes of a body that is announced as a picture or a table; of a table at most 5 MiB are read.
    pub picture: usize,
    /// Time until the answer begins.
    pub request: Duration,
    /// Longest pause inside a body.
    pub body_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: BodyLimit::default().0,
            picture: 12 * 1024 * 1024,
            request: Duration::from_secs(30),
            body_pause: Duration::from_secs(10),
        }
    }
}

pub(super) async fn enforce(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    let limit = BodyLimit(if is_file(request.headers()) { limits.picture } else { limits.body });
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(limit.0).unwrap_or(u64::MAX)) {
        return limit.error().into_response();
    }
    request.extensions_mut().insert(limit);
    request.extensions_mut().insert(Deadline::after(limits.request));
    let (request, arrived) = guard(request, limit, &limits);
    let small = announced.is_some_and(|length| (1..=EAGER).contains(&length));
    let answer = async {
        let request = if small { eager(request, limit).await? } else { request };
        Ok::<_, Error>(next.run(request).await)
    };
    let error = match tokio::time::timeout(limits.request, answer).await {
        Ok(Ok(response)) => return announce_close(response, &arrived),
        Ok(Err(error)) => error,
        Err(elapsed) => late(&arrived).with_source(elapsed),
    };
    announce_close(error.into_response(), &arrived)
}

fn late(arrived: &AtomicBool) -> Error {
    if arrived.load(Ordering::Relaxed) {
        Error::new(Kind::Unavailable, "deadline_exceeded", "The request took too long on our side.")
            .with_retry_after(Duration::from_secs(1))
    } else {
        Error::new(Kind::RequestTimeout, "body_timeout", "The body did not arrive in time.")
    }
}

/// Bodies up to this size are read before the request is looked at. An answer that overtakes its body (a refusal)
/// makes hyper close the connection, and the reset can destroy the answer on its way.
const EAGER: u64 = 64 * 1024;

async fn eager(request: Request, limit: BodyLimit) -> Result<Request, Error> {
    let (parts, body) = request.into_parts();
    let bytes = read(body, limit).await?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// The connection cannot be used again while a body is still on its way: say so.
fn announce_close(mut response: Response, arrived: &AtomicBool) -> Response {
    if !arrived.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Watches the body: counts its bytes, ends it when it pauses too long, and notes when all of it has arrived.
fn guard(request: Request, limit: BodyLimit, limits: &Limits) -> (Request, Arc<AtomicBool>) {
    let arrived = Arc::new(AtomicBool::new(request.body().is_end_stream()));
    if arrived.load(Ordering::Relaxed) {
        return (request, arrived);
    }
    let flag = Arc::clone(&arrived);
    let request = request.map(|body| {
        let limited = http_body_util::Limited::new(body, limit.0);
        let inner = Body::new(TimeoutBody::new(limits.body_pause, limited));
        Body::new(Guarded { inner, arrived: flag })
    });
    (request, arrived)
}

struct Guarded {
    inner: Body,
    arrived: Arc<AtomicBool>,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.inner.is_end_stream() {
            self.arrived.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
