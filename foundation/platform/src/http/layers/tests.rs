use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use kernel::random::Random;
use kernel::time::{ManualClock, Timestamp};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Edge, RequestContext};
use crate::http::{Json, problem};
use crate::{Error, Result};

#[derive(Debug, serde::Deserialize, serde::Serialize, garde::Validate)]
#[serde(deny_unknown_fields)]
struct Note {
    #[garde(length(chars, max = 2_000_000))]
    text: String,
}

async fn echo(Json(note): Json<Note>) -> Json<Note> {
    Json(note)
}

async fn fails() -> Result<()> {
    Err(Error::internal(std::io::Error::other("password=hunter2")))
}

async fn panics(headers: HeaderMap) -> String {
    let missing = headers.get("x-missing").map(|value| format!("{value:?}"));
    missing.expect("hunter2")
}

fn edge() -> Edge {
    Edge::new(Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)), Random::seeded(1))
}

fn app(edge: Edge) -> Router {
    let events = || async { ([("content-type", "text/event-stream")], "data: x\n\n".repeat(100)) };
    let router = Router::new()
        .route("/notes", post(echo))
        .route("/fails", get(fails))
        .route("/panics", get(panics))
        .route("/slow", get(std::future::pending::<()>))
        .route("/large", get(|| async { "text ".repeat(1000) }))
        .route("/events", get(events))
        .route("/id", get(|context: RequestContext| async move { context.request_id.to_string() }))
        .fallback(problem::fallback)
        .method_not_allowed_fallback(problem::method_not_allowed);
    edge.wrap(router)
}

async fn send(request: http::request::Builder, body: impl Into<Body>) -> (Response<()>, Bytes) {
    let response = app(edge()).oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (Response::from_parts(parts, ()), body.collect().await.unwrap().to_bytes())
}

/// Every refusal is a problem document with its code and the id of the request.
async fn refused(request: http::request::Builder, body: impl Into<Body>) -> (u16, String) {
    let (response, body) = send(request, body).await;
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["status"], response.status().as_u16());
    assert_eq!(problem["request_id"], response.headers()["x-request-id"].to_str().unwrap());
    assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
    (response.status().as_u16(), problem["code"].as_str().unwrap().to_owned())
}

fn note() -> http::request::Builder {
    Request::post("/notes").header("content-type", "application/json")
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    assert_eq!(refused(Request::get("/nowhere"), "").await, is(404, "not_found"));
    assert_eq!(refused(Request::get("/fails"), "").await, is(500, "internal"));
    assert_eq!(refused(Request::get("/panics"), "").await, is(500, "internal"));
    assert_eq!(refused(note(), "{").await, is(400, "invalid_json"));
    assert_eq!(refused(note(), "{}").await, is(422, "invalid"));
    assert_eq!(refused(Request::post("/notes"), "{}").await, is(415, "unsupported_media_type"));
    let text = Request::post("/notes").header("content-type", "text/plain");
    assert_eq!(refused(text, "{}").await, is(415, "unsupported_media_type"));
    let latin = Request::post("/notes").header("content-type", "application/json; charset=latin1");
    assert_eq!(refused(latin, "{}").await, is(415, "unsupported_media_type"));
}

#[tokio::test]
async fn an_unsupported_method_names_those_that_are_supported() {
    for method in ["GET", "TRACE", "QUERY", "OPTIONS", "PUT"] {
        let (response, _) = send(Request::builder().method(method).uri("/notes"), "").await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(response.headers()["allow"], "POST", "{method}");
    }
    assert_eq!(refused(Request::get("/notes"), "").await, is(405, "method_not_allowed"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_announced_or_not() {
    let large = format!("{{\"text\":\"{}\"}}", "a".repeat(1024 * 1024));
    let announced = note().header("content-length", large.len());
    assert_eq!(refused(announced, "").await, is(413, "too_large"));
    let chunks = futures::stream::iter(
        large.into_bytes().chunks(65_536).map(Bytes::copy_from_slice).collect::<Vec<_>>(),
    );
    let body = Body::from_stream(futures::StreamExt::map(chunks, Ok::<_, Infallible>));
    assert_eq!(refused(note(), body).await, is(413, "too_large"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_arriving_is_408() {
    let started = tokio::time::Instant::now();
    let stuck =
        http_body_util::StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Infallible>>());
    assert_eq!(refused(note(), Body::new(stuck)).await, is(408, "body_timeout"));
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_only_drips_is_408_when_the_time_is_over() {
    let drip = futures::stream::unfold((), |()| async {
        tokio::time::advance(Duration::from_secs(9)).await;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b" "))), ()))
    });
    let body = Body::new(http_body_util::StreamBody::new(Box::pin(drip)));
    assert_eq!(refused(note(), body).await, is(408, "body_timeout"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_answers_is_503() {
    assert_eq!(refused(Request::get("/slow"), "").await, is(503, "deadline_exceeded"));
}

#[tokio::test]
async fn answers_are_compressed_but_event_streams_are_not() {
    let accepting = |path: &str| Request::get(path).header("accept-encoding", "br, gzip");
    let (response, body) = send(accepting("/large"), "").await;
    assert_eq!(response.headers()["content-encoding"], "br");
    assert!(body.len() < 500);
    let (response, _) = send(accepting("/events"), "").await;
    assert!(!response.headers().contains_key("content-encoding"));
    let (response, _) = send(Request::get("/large"), "").await;
    assert!(!response.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn nothing_is_compressed_where_it_is_switched_off() {
    let app = app(Edge { compression: false, ..edge() });
    let request = Request::get("/large").header("accept-encoding", "br, gzip");
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert!(!response.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn the_request_id_is_echoed_and_handed_on() {
    let given = "req_01h455vb4pex5vsknk084sn02q";
    let (response, body) = send(Request::get("/id").header("x-request-id", given), "").await;
    assert_eq!(
        (response.headers()["x-request-id"].as_bytes(), body.as_ref()),
        (given.as_bytes(), given.as_bytes())
    );
    let (response, _) = send(Request::get("/id").header("x-request-id", "x y"), "").await;
    assert!(response.headers()["x-request-id"].to_str().unwrap().starts_with("req_"));
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    for path in ["/id", "/nowhere", "/panics"] {
        let (response, _) = send(Request::get(path), "").await;
        let headers = response.headers();
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn only_configured_origins_may_call_from_a_page() {
    let mut edge = edge();
    edge.cors_origins = vec!["https://shop.example".parse().unwrap()];
    let app = app(edge);
    for (origin, allowed) in [("https://shop.example", true), ("https://evil.example", false)] {
        let request = Request::get("/id").header("origin", origin).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
}

#[tokio::test]
async fn a_problem_is_completed_before_it_is_compressed() {
    let (response, body) = send(Request::get("/nowhere").header("accept-encoding", "gzip"), "").await;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(body[..2], [0x1f, 0x8b], "the body is what the header says");
}

#[tokio::test]
async fn an_answer_that_overtakes_its_body_announces_the_end_of_the_connection() {
    let stuck =
        http_body_util::StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let (response, _) = send(Request::post("/nowhere"), Body::new(stuck)).await;
    assert_eq!(response.headers()["connection"], "close");
    let (response, _) = send(Request::post("/nowhere").header("content-length", 2), "{}").await;
    assert!(!response.headers().contains_key("connection"));
}
