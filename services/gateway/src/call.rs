//! Calling the API on behalf of whoever stands at the door: pages and aggregated views ask the services what their visitor could
//! ask them, with the visitor's credential, address and deadline. They see what the visitor may see and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use platform::http::layers::RequestContext;
use platform::http::operations::{Lookup, Operations};
use platform::http::{ClientIp, Deadline};
use platform::{Error, Kind, Result};
use serde_json::Value;

use crate::forward::Channels;
use crate::http::docs::Docs;

/// Longest answer that is read.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Who visits: what a call has to carry along.
#[derive(Clone)]
pub(crate) struct Visitor {
    parts: Parts,
    channels: Channels,
    operations: Arc<Operations>,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    cookie: Option<HeaderValue>,
}

impl Answer {
    /// Hands the visitor the cookie that the API set.
    pub(crate) fn pass_cookie(&self, response: &mut Response) {
        if let Some(cookie) = &self.cookie {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
    }

    /// An answer, for tests of what is made of it.
    #[cfg(test)]
    pub(crate) fn of(status: u16, body: Value) -> Self {
        Self { status: StatusCode::from_u16(status).unwrap(), body, cookie: None }
    }

    /// What was asked for; a refusal as the same error, a failure as a service that is away.
    pub(crate) fn ok(self) -> Result<Value> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let text = |member: &str| self.body[member].as_str().unwrap_or_default().to_owned();
        match Kind::of_refusal(self.status.as_u16()) {
            Some(kind) => Err(Error::new(kind, text("code"), text("detail"))),
            None => Err(Error::unavailable("service").with_source(self.body.to_string())),
        }
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let missing = || Error::internal("the route stands behind no gateway");
        let channels = parts.extensions.get::<Channels>().cloned().ok_or_else(missing)?;
        let docs = parts.extensions.get::<Docs>().ok_or_else(missing)?;
        let operations = docs.document.operations();
        Ok(Self { parts: parts.clone(), channels, operations })
    }
}

impl Visitor {
    /// The same, who waits no longer than this for an answer.
    pub(crate) fn within(mut self, patience: Duration) -> Self {
        let asked = self.parts.extensions.get::<Deadline>().copied();
        let own = Deadline::after(patience);
        self.parts.extensions.insert(asked.map_or(own, |asked| asked.min(own)));
        self
    }

    /// Reads something.
    pub(crate) async fn get(&self, target: &str) -> Result<Answer> {
        self.call(Method::GET, target, None).await
    }

    /// Calls an operation of whichever service has it.
    pub(crate) async fn call(&self, method: Method, target: &str, body: Option<&Value>) -> Result<Answer> {
        let path = target.split('?').next().unwrap_or_default();
        let channel = match self.operations.find(&method, path) {
            Lookup::Found(operation) => self.channels.0.get(operation.service),
            _ => None,
        };
        let missing = || Error::unavailable("service").with_source(format!("nobody has {method} {path}"));
        let channel = channel.ok_or_else(missing)?;
        read(channel.call(self.request(method, target, body)?).await?).await
    }

    fn request(&self, method: Method, target: &str, body: Option<&Value>) -> Result<Request> {
        let request = http::Request::builder().method(method).uri(target);
        let mut request: Request = match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        }
        .map_err(Error::internal)?;
        for name in [AUTHORIZATION, USER_AGENT] {
            if let Some(value) = self.parts.headers.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        let (from, to) = (&self.parts.extensions, request.extensions_mut());
        from.get::<ClientIp>().map(|ip| to.insert(*ip));
        from.get::<RequestContext>().map(|context| to.insert(*context));
        from.get::<Deadline>().map(|deadline| to.insert(*deadline));
        Ok(request)
    }
}

async fn read(response: Response) -> Result<Answer> {
    let (parts, body) = response.into_parts();
    let body =
        http_body_util::Limited::new(body, MAX_ANSWER).collect().await.map_err(Error::internal)?.to_bytes();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
    Ok(Answer { status: parts.status, body, cookie: parts.headers.get(SET_COOKIE).cloned() })
}
