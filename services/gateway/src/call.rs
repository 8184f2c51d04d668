//! Calling the API from a page, on behalf of its visitor.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_TYPE, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use platform::http::layers::RequestContext;
use platform::http::{ClientIp, Deadline};
use platform::{Error, Result};
use serde_json::Value;

use crate::forward::Channels;

/// Longest answer that a page reads.
const MAX_ANSWER: usize = 256 * 1024;

/// Who visits: what a call has to carry along.
pub(super) struct Visitor {
    parts: Parts,
    channels: Channels,
}

/// What the API answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    cookie: Option<HeaderValue>,
}

impl Answer {
    /// Hands the visitor the cookie that the API set.
    pub(super) fn pass_cookie(&self, response: &mut Response) {
        if let Some(cookie) = &self.cookie {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let channels = parts.extensions.get::<Channels>().cloned();
        let channels = channels.ok_or_else(|| Error::internal("pages stand behind no gateway"))?;
        Ok(Self { parts: parts.clone(), channels })
    }
}

impl Visitor {
    /// Calls an operation of identity.
    pub(super) async fn call(&self, method: Method, target: &str, body: Option<&Value>) -> Result<Answer> {
        let channel = self.channels.0.get("identity").ok_or_else(|| Error::unavailable("service"))?;
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut request: Request = http::Request::builder()
            .method(method)
            .uri(target)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(text))
            .map_err(Error::internal)?;
        if let Some(agent) = self.parts.headers.get(USER_AGENT) {
            request.headers_mut().insert(USER_AGENT, agent.clone());
        }
        let (ip, context) =
            (self.parts.extensions.get::<ClientIp>(), self.parts.extensions.get::<RequestContext>());
        ip.map(|ip| request.extensions_mut().insert(*ip));
        context.map(|context| request.extensions_mut().insert(*context));
        if let Some(deadline) = self.parts.extensions.get::<Deadline>() {
            request.extensions_mut().insert(*deadline);
        }
        read(channel.call(request).await?).await
    }
}

async fn read(response: Response) -> Result<Answer> {
    let (parts, body) = response.into_parts();
    let body =
        http_body_util::Limited::new(body, MAX_ANSWER).collect().await.map_err(Error::internal)?.to_bytes();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
    Ok(Answer { status: parts.status, body, cookie: parts.headers.get(SET_COOKIE).cloned() })
}
