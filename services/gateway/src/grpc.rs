//! `dropmate.positions.v1.Positions/Report`: positions over gRPC, on the address and port of the API (HTTP/2, with or without
//! TLS).
//!
//! The call passes the same gate as any other operation: its path is in the document, the credential is the bearer of the
//! metadata, the quotas are those of the caller. What differs are the limits around it: a stream has no end, so neither its
//! size nor its duration is limited, but what is read at a time is. A refusal before the stream begins is told as gRPC tells it.
//!
//! The stream ends with the status `UNAUTHENTICATED` when the credential is not good any more, and `UNAVAILABLE` when this process
//! stops: the client comes back and sends what was not answered.

mod message;

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use platform::http::layers::Edge;
use platform::http::operations::Caller;
use platform::{Error, Kind, Result};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::forward::Channels;
use crate::http::Shared;
use crate::positions::Reporter;
use crate::positions::intake::Intake;
use message::{ReportReply, ReportRequest};

/// The address that gRPC makes of service and method.
pub(crate) const PATH: &str = "/dropmate.positions.v1.Positions/Report";
/// How gRPC announces itself.
const GRPC: &str = "application/grpc";
/// Longest message of a client: 400 positions take half of it.
const LONGEST: usize = 64 * 1024;
/// How long a client may say nothing.
const SILENCE: Duration = Duration::from_mins(10);

/// The layers around streams: no limit in size and, once the answer has begun, none in time.
pub(crate) fn edge(edge: &Edge) -> Edge {
    let mut streams = edge.clone();
    streams.limits.body = usize::MAX;
    streams.limits.picture = usize::MAX;
    streams.limits.body_pause = SILENCE;
    streams.compression = false;
    streams
}

/// Lets refusals be told as gRPC tells them.
pub(crate) fn told(router: Router) -> Router {
    router.layer(axum::middleware::from_fn(tell))
}

async fn tell(request: Request, next: Next) -> Response {
    let speaks = is_grpc(request.headers());
    let response = next.run(request).await;
    if !speaks || response.status().is_success() {
        return response;
    }
    let (head, body) = response.into_parts();
    let body = http_body_util::Limited::new(body, 64 * 1024).collect().await;
    let problem =
        body.ok().and_then(|body| serde_json::from_slice::<serde_json::Value>(&body.to_bytes()).ok());
    let problem = problem.unwrap_or_default();
    let code = match head.status.as_u16() {
        400 | 422 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 | 405 => Code::Unimplemented,
        429 => Code::ResourceExhausted,
        503 | 504 => Code::Unavailable,
        _ => Code::Internal,
    };
    let text = problem["detail"].as_str().unwrap_or("Something went wrong on our side.");
    let mut answer = Status::new(code, text).into_http::<Body>();
    for (name, value) in &head.headers {
        if name.as_str().starts_with("ratelimit") || name == http::header::RETRY_AFTER {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(GRPC.as_bytes()))
}

/// Reports positions over gRPC: a stream of messages, and a stream of what became of each.
///
/// The messages are those of services/gateway/proto/positions.proto. It needs HTTP/2 and `Content-Type: application/grpc`.
#[utoipa::path(
    post, path = "/dropmate.positions.v1.Positions/Report", operation_id = "stream_positions", tag = "positions",
    request_body(content = String, content_type = "application/grpc", description = "A stream of `ReportRequest`."),
    responses((status = 200, description = "A stream of `ReportReply`; the gRPC status is in the trailers.",
               body = String, content_type = "application/grpc"))
)]
pub(crate) async fn stream_positions(
    State(shared): State<Shared>,
    Extension(channels): Extension<Channels>,
    Caller(principal): Caller,
    request: Request,
) -> Result<Response> {
    if !is_grpc(request.headers()) {
        let text = "This address speaks gRPC (application/grpc).";
        return Err(Error::new(Kind::UnsupportedMedia, "unsupported_media", text));
    }
    let credential = request.headers().get(AUTHORIZATION).cloned();
    let stopping = shared.realtime.map(|realtime| realtime.hub.stopping().clone()).unwrap_or_default();
    let intake = Intake::new(Reporter { channels, limits: shared.limits, credential, principal });
    let codec = ProstCodec::<ReportReply, ReportRequest>::default();
    let mut grpc = tonic::server::Grpc::new(codec).max_decoding_message_size(LONGEST);
    let answer = grpc.streaming(Report { intake: Some(intake), stopping }, request).await;
    Ok(answer.map(Body::new).into_response())
}

/// The method, called once.
struct Report {
    intake: Option<Intake>,
    stopping: CancellationToken,
}

impl tonic::server::StreamingService<ReportRequest> for Report {
    type Response = ReportReply;
    type ResponseStream = BoxStream<'static, Result<ReportReply, Status>>;
    type Future = Ready<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<ReportRequest>>) -> Self::Future {
        let Some(intake) = self.intake.take() else {
            return ready(Err(Status::internal("called twice")));
        };
        let stopping = self.stopping.clone();
        ready(Ok(tonic::Response::new(replies(request.into_inner(), intake, stopping).boxed())))
    }
}

/// One call.
struct Conversation<S> {
    messages: S,
    intake: Intake,
    stopping: CancellationToken,
    replies: VecDeque<ReportReply>,
    /// The client has nothing more to say.
    heard_all: bool,
    /// How the stream ends, when all replies were given.
    end: Option<Status>,
    ended: bool,
}

fn replies<S>(
    messages: S,
    intake: Intake,
    stopping: CancellationToken,
) -> impl Stream<Item = Result<ReportReply, Status>> + Send
where
    S: Stream<Item = Result<ReportRequest, Status>> + Send + Unpin,
{
    let replies = VecDeque::new();
    let conversation =
        Conversation { messages, intake, stopping, replies, heard_all: false, end: None, ended: false };
    stream::unfold(conversation, |mut conversation| async move {
        let next = conversation.next().await?;
        Some((next, conversation))
    })
}

impl<S: Stream<Item = Result<ReportRequest, Status>> + Unpin> Conversation<S> {
    async fn next(&mut self) -> Option<Result<ReportReply, Status>> {
        loop {
            if let Some(reply) = self.replies.pop_front() {
                return Some(Ok(reply));
            }
            if let Some(end) = self.end.take() {
                self.ended = true;
                return Some(Err(end));
            }
            if self.ended || (self.heard_all && self.intake.is_empty()) {
                return None;
            }
            self.step().await;
        }
    }

    async fn step(&mut self) {
        let reads = !self.heard_all && !self.intake.is_full();
        tokio::select! {
            () = self.stopping.cancelled() => {
                self.end = Some(Status::unavailable("This process stops; come back."));
            }
            verdicts = self.intake.next() => {
                let gone = |status| verdicts.iter().any(|verdict| {
                    verdict.outcome.as_ref().is_err_and(|refusal| refusal.status == status)
                });
                self.end = if gone(401) {
                    Some(Status::unauthenticated("The credential is not good any more."))
                } else if gone(403) {
                    Some(Status::permission_denied("You are not allowed to do this."))
                } else {
                    None
                };
                self.replies.extend(verdicts.into_iter().map(ReportReply::from));
            }
            message = self.messages.next(), if reads => match message {
                Some(Ok(request)) => match request.batch() {
                    Ok(batch) => self.intake.push(batch),
                    Err(verdict) => self.replies.push_back(verdict.into()),
                },
                Some(Err(status)) => self.end = Some(status),
                None => self.heard_all = true,
            },
        }
    }
}

#[cfg(test)]
mod tests;
