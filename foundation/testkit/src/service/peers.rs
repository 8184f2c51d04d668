//! Another service as a service under test meets it: answers from closures, and a list of what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use contracts::calls::Call;
use http::{Request, StatusCode};
use platform::auth::OnBehalf;
use platform::http::Channel;
use serde_json::Value;

/// One call that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Which operation.
    pub path: &'static str,
    /// In which organisation.
    pub on_behalf: OnBehalf,
    /// The key, of calls that change something.
    pub key: Option<String>,
    /// What was said.
    pub body: Value,
}

type Handler = Arc<dyn Fn(Value) -> platform::Result<Value> + Send + Sync>;

#[derive(Default)]
struct Inner {
    handlers: BTreeMap<&'static str, Handler>,
    told: Vec<Told>,
    away: bool,
}

/// A service that a test plays. Cloning shares it; without an answer for a call it is 404.
#[derive(Clone)]
pub struct FakePeer {
    service: &'static str,
    inner: Arc<Mutex<Inner>>,
}

impl FakePeer {
    /// One that answers nothing yet.
    pub fn new(service: &'static str) -> Self {
        Self { service, inner: Arc::default() }
    }

    /// Its name.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Answers a call like this from now on.
    pub fn on<C, F>(&self, answer: F) -> &Self
    where
        C: Call,
        F: Fn(C) -> platform::Result<C::Answer> + Send + Sync + 'static,
    {
        assert_eq!(C::SERVICE, self.service);
        let handler: Handler = Arc::new(move |body| {
            let call = serde_json::from_value(body).expect("the body of the call");
            Ok(serde_json::to_value(answer(call)?).expect("an answer"))
        });
        self.lock().handlers.insert(C::PATH, handler);
        self
    }

    /// Whether it is away: every call is 503.
    pub fn away(&self, away: bool) {
        self.lock().away = away;
    }

    /// What it was asked since the last look.
    pub fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.lock().told)
    }

    /// A way to it.
    pub fn channel(&self) -> Channel {
        let peer = self.clone();
        let router = Router::new().fallback(any(move |request: Request<Body>| {
            let peer = peer.clone();
            async move { peer.answer(request).await }
        }));
        Channel::in_process(router, Duration::from_secs(10))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.expect("a body");
        let body: Value = serde_json::from_slice(&bytes).expect("JSON");
        let handler = {
            let mut inner = self.lock();
            if inner.away {
                return platform::Error::unavailable("service").into_response();
            }
            let Some((path, handler)) = inner
                .handlers
                .get_key_value(parts.uri.path())
                .map(|(path, handler)| (*path, Arc::clone(handler)))
            else {
                return StatusCode::NOT_FOUND.into_response();
            };
            let key = parts.headers.get("idempotency-key").and_then(|value| value.to_str().ok());
            inner.told.push(Told {
                path,
                on_behalf: parts.extensions.get().copied().unwrap_or_default(),
                key: key.map(str::to_owned),
                body: body.clone(),
            });
            handler
        };
        match handler(body) {
            Ok(answer) => axum::Json(answer).into_response(),
            Err(error) => error.into_response(),
        }
    }
}
