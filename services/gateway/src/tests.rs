//! The whole gateway in front of a small service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request};
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::future::BoxFuture;
use kernel::random::Random;
use kernel::time::{ManualClock, Timestamp};
use platform::auth::{Revocations, StaticKeys, Verifier};
use platform::http::operations::{Caller, NoKeys};
use platform::http::{ClientAddr, openapi::Api, openapi::incomplete};
use platform::permissions::{PUBLIC, Permission, Tenant};
use serde_json::Value;
use tower::ServiceExt as _;
use utoipa_axum::routes;

use super::*;

/// Says hello.
#[utoipa::path(get, path = "/api/v1/hello", operation_id = "hello", tag = "hello", responses((status = 200, description = "Hello.")))]
async fn hello(Caller(caller): Caller, headers: HeaderMap) -> ([(&'static str, &'static str); 1], String) {
    let id = headers["x-request-id"].to_str().unwrap_or_default();
    ([("keep-alive", "timeout=5")], format!("{} {id} {}", caller.label(), headers.contains_key("te")))
}

struct Dependencies(bool);

impl Readiness for Dependencies {
    fn check(&self) -> BoxFuture<'_, Vec<Dependency>> {
        let database = Dependency { name: "database".to_owned(), ok: self.0, required: true };
        Box::pin(std::future::ready(vec![database]))
    }
}

fn phones() -> Phones {
    Phones {
        app: "https://192.168.1.20:8080".to_owned(),
        trust: Some(Arc::new(Trust {
            name: "DropMate local authority <shop> & co".to_owned(),
            certificate: b"not looked into".to_vec(),
            fingerprint: "0A1B 2C3D".to_owned(),
            page: Some("http://192.168.1.20:8081".to_owned()),
        })),
    }
}

fn gateway(ready: bool) -> Gateway {
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let row = Permission { operation: "hello", roles: PUBLIC, scope: None, tenant: Tenant::None };
    let api = Api::new("hello").routes(routes!(hello)).finish(&[row]).unwrap();
    let keys = Arc::new(StaticKeys::default());
    let verifier = Verifier::new("https://x".to_owned(), keys.clone(), clock.clone(), Revocations::default());
    let authenticator = Authenticator::new(verifier, Arc::new(NoKeys));
    let inner = Gate::new(
        Arc::new(platform::http::operations::Operations::build(&[&api]).unwrap()),
        authenticator.clone(),
    );
    let channel = Channel::in_process(inner.wrap(api.router()), Duration::from_secs(5));
    service(Deps {
        services: vec![(api, channel)],
        authenticator,
        limits: None,
        keys,
        readiness: Arc::new(Dependencies(ready)),
        metrics: Arc::new(|| "up 1\n".to_owned()),
        metrics_token: Some("let-me-in".to_owned().into()),
        phones: phones(),
        realtime: None,
        edge: Edge::new(clock, Random::seeded(1)),
    })
    .unwrap()
}

async fn send(request: Request<Body>) -> Response {
    gateway(true).router.oneshot(request).await.unwrap()
}

async fn get(path: &str) -> (u16, Response) {
    let response = send(Request::get(path).body(Body::empty()).unwrap()).await;
    (response.status().as_u16(), response)
}

async fn text(response: Response) -> String {
    let bytes: Bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn an_operation_reaches_its_service_and_connection_headers_do_not() {
    let id = "req_01h455vb4pex5vsknk084sn02q";
    let request = Request::get("/api/v1/hello").header("x-request-id", id).header("te", "trailers");
    let response = send(request.body(Body::empty()).unwrap()).await;
    assert!(!response.headers().contains_key("keep-alive"));
    assert_eq!(text(response).await, format!("anonymous {id} false"));
    assert_eq!(get("/api/v1/nothing").await.0, 404);
    let head = send(Request::head("/api/v1/hello").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status().as_u16(), text(head).await), (200, String::new()));
}

#[tokio::test]
async fn every_own_operation_answers_in_its_declared_type() {
    let document = gateway(true).document;
    // What stands behind a link asks identity, which is not there: those pages are proven in a browser. What has to be told
    // what to follow is proven in `realtime`, what needs somebody who is signed in, in `views` and `grpc`.
    let plain = |operation: &&Arc<platform::http::operations::Operation>| {
        let open = operation.permission.is_public();
        open && !operation.template.contains('{') && operation.query.is_empty()
    };
    for operation in document.operations().all().iter().filter(plain) {
        let item = &document.value()["paths"][&*operation.template]["get"];
        let Some(content) = item["responses"]["200"]["content"].as_object() else {
            continue;
        };
        let request = Request::get(&*operation.template).header("authorization", "Bearer let-me-in");
        let authorised = if operation.probe { request } else { Request::get(&*operation.template) };
        let response = send(authorised.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status().as_u16(), 200, "{}", operation.id);
        let actual = response.headers()["content-type"].to_str().unwrap();
        assert!(
            content.keys().any(|declared| actual.starts_with(declared.as_str())),
            "{} {actual}",
            operation.id
        );
    }
}

#[tokio::test]
async fn every_own_operation_is_documented_completely() {
    assert_eq!(incomplete(gateway(true).document.value()), Vec::<String>::new());
}

#[tokio::test]
async fn unsupported_methods_are_405_with_allow_everywhere() {
    let all = gateway(true).document.operations();
    for operation in all.all() {
        let has = |method| {
            all.all().iter().any(|other| other.template == operation.template && other.method == method)
        };
        let (methods, allow): (&[&str], _) = match (has(::http::Method::GET), has(::http::Method::POST)) {
            (true, true) => (&["TRACE", "QUERY", "OPTIONS", "DELETE"], "GET, HEAD, POST"),
            (true, false) => (&["POST", "TRACE", "QUERY", "OPTIONS", "DELETE"], "GET, HEAD"),
            (false, _) => (&["GET", "TRACE", "QUERY", "OPTIONS", "DELETE"], "POST"),
        };
        for &method in methods {
            let request =
                Request::builder().method(method).uri(&*operation.template).body(Body::empty()).unwrap();
            let response = send(request).await;
            assert_eq!(response.status().as_u16(), 405, "{method} {}", operation.template);
            assert_eq!(response.headers()["allow"], allow);
        }
    }
}

#[tokio::test]
async fn readiness_follows_what_is_required() {
    let request = || Request::get("/readyz").body(Body::empty()).unwrap();
    assert_eq!(send(request()).await.status().as_u16(), 200);
    let response = gateway(false).router.oneshot(request()).await.unwrap();
    assert!(response.status().as_u16() == 503 && response.headers().contains_key("retry-after"));
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(problem["dependencies"][0]["name"], "database");
    let health =
        gateway(false).router.oneshot(Request::get("/api/v1/health").body(Body::empty()).unwrap()).await;
    assert!(text(health.unwrap()).await.contains("unavailable"));
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_the_token() {
    let from = |peer: &str, bearer: Option<&str>| {
        let peer: SocketAddr = peer.parse().unwrap();
        let request = Request::get("/metrics").extension(ClientAddr(peer));
        bearer.into_iter().fold(request, |r, token| r.header("authorization", format!("Bearer {token}")))
    };
    for (request, status) in [
        (from("127.0.0.1:9", None), 200),
        (from("203.0.113.9:9", None), 401),
        (from("203.0.113.9:9", Some("let-me-in")), 200),
        (from("203.0.113.9:9", Some("let-me-im")), 401),
    ] {
        assert_eq!(send(request.body(Body::empty()).unwrap()).await.status().as_u16(), status);
    }
}

#[tokio::test]
async fn the_document_is_served_once() {
    let (_, response) = get("/api/v1/openapi.json").await;
    let etag = response.headers()["etag"].clone();
    let again =
        Request::get("/api/v1/openapi.json").header("if-none-match", etag).body(Body::empty()).unwrap();
    assert_eq!(send(again).await.status().as_u16(), 304);
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let (status, response) = get("/api/docs").await;
    assert_eq!(status, 200);
    assert!(
        response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'")
    );
    let page = text(response).await;
    assert!(page.contains("/api/v1/hello") && page.contains("Says hello."));
    for foreign in ["http://", "https://", "<script", "style=", "@import", "onclick"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}
