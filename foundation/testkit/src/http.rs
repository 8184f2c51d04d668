//! A client that speaks to a router without a network, and checks what holds for every answer.

use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, Bytes};
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use platform::http::ClientAddr;
use platform::http::header::IDEMPOTENCY_KEY;
use serde_json::Value;
use tower::ServiceExt as _;

/// Words that stand in SQL, in panics and in debug output, and never in an answer.
const LEAKS: [&str; 6] = ["sqlx", "SELECT ", "identity.", "platform.", "panicked", "Error {"];

/// Sends requests to a router.
#[derive(Debug, Clone)]
pub struct Client {
    router: Router,
}

impl Client {
    /// A client of this router.
    pub fn new(router: Router) -> Self {
        Self { router }
    }

    /// `GET`
    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }

    /// `POST`
    pub fn post(&self, path: impl Into<String>) -> Call {
        self.call(Method::POST, path)
    }

    /// `PUT`
    pub fn put(&self, path: impl Into<String>) -> Call {
        self.call(Method::PUT, path)
    }

    /// `PATCH`
    pub fn patch(&self, path: impl Into<String>) -> Call {
        self.call(Method::PATCH, path)
    }

    /// `DELETE`
    pub fn delete(&self, path: impl Into<String>) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Any method.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call {
            router: self.router.clone(),
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)),
        }
    }
}

/// A request that is being put together; awaiting it sends it.
#[derive(Debug, Clone)]
#[must_use = "a call is sent by awaiting it"]
pub struct Call {
    router: Router,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    peer: SocketAddr,
}

impl Call {
    /// With `Authorization: Bearer`.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// With a header; one of the same name stays beside it.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the name of a header");
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("the value of a header"));
        self
    }

    /// With an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY.as_str(), key)
    }

    /// With `If-Match` of this version.
    pub fn if_match(self, version: i64) -> Self {
        self.header(IF_MATCH.as_str(), &format!("\"{version}\""))
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    /// With any body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// From this address.
    pub fn from(mut self, peer: impl Into<std::net::IpAddr>) -> Self {
        self.peer.set_ip(peer.into());
        self
    }

    /// Sends it.
    pub async fn send(self) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .body(Body::empty())
            .expect("a valid request");
        *request.headers_mut() = self.headers;
        if !self.body.is_empty() {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        *request.body_mut() = Body::from(self.body);
        request.extensions_mut().insert(ClientAddr(self.peer));
        let response = match self.router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body of an answer").to_bytes();
        let reply = Reply { what, status: parts.status.as_u16(), headers: parts.headers, body };
        reply.check();
        reply
    }
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = BoxFuture<'static, Reply>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    what: String,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Reply {
    /// What holds for every answer: an id, problems in the form of the standard, nothing from inside.
    fn check(&self) {
        assert!(self.headers.contains_key("x-request-id"), "{self}: no request id");
        if self.status < 400 {
            return;
        }
        let text = String::from_utf8_lossy(&self.body);
        // Pages for people refuse in the form of a page.
        if !self.header("content-type").starts_with("text/html") {
            assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
            assert_eq!(self.json()["status"], self.status, "{self}");
        }
        for word in LEAKS {
            assert!(!text.contains(word), "{self}: leaks {word:?}");
        }
        assert!(self.status < 500 || self.status == 503, "{self}: our failure");
        assert!(self.status != 429 || self.headers.contains_key("retry-after"), "{self}: no Retry-After");
    }

    /// The body as JSON; null where there is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text of the body by JSON pointer.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        let found = self.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{self}: no text at {pointer}"))
    }

    /// The code of a problem; empty where it is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code: all that a caller may tell two refusals by.
    pub fn verdict(&self) -> (u16, String) {
        (self.status, self.code())
    }

    /// A header; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The version in the `ETag`.
    #[track_caller]
    pub fn version(&self) -> i64 {
        self.header(ETAG.as_str()).trim_matches('"').parse().unwrap_or_else(|_| panic!("{self}: no ETag"))
    }

    /// Expects a status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Expects a refusal.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(self.verdict(), (status, code.to_owned()), "{self}");
        self
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {} {}", self.what, self.status, String::from_utf8_lossy(&self.body))
    }
}
