//! What the handler of a mutating operation receives: who calls what, with which idempotency key, and the body.
//!
//! [`Command`] reads a JSON body, [`Action`] expects none. Both fingerprint the request, so that a repeated
//! `Idempotency-Key` can be told from a reused one. Operations that anybody may call ignore the key: their scope would
//! be "anonymous", and a guessed key would give away somebody's answer (`docs/adr/0014`).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequest;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use serde::de::DeserializeOwned;

use super::extract::{BodyLimit, parse, read};
use super::header::IDEMPOTENCY_KEY;
use super::layers::RequestContext;
use super::operations::Operation;
use crate::auth::{Principal, Who};
use crate::db::Scope;
use crate::idempotency::{Answer, Call, Key};
use crate::{Error, Result};

/// A mutating call with a JSON body.
#[derive(Debug, Clone)]
pub struct Command<T> {
    /// Who calls what, with which key.
    pub call: Call,
    /// The caller.
    pub principal: Principal,
    /// The validated body.
    pub body: T,
}

/// A mutating call without a body.
#[derive(Debug, Clone)]
pub struct Action {
    /// Who calls what, with which key.
    pub call: Call,
    /// The caller.
    pub principal: Principal,
}

/// The scope of a request, for handlers that read.
pub fn scope(parts: &Parts) -> Result<(Principal, Scope)> {
    let principal: Principal =
        parts.extensions.get().cloned().ok_or_else(|| Error::internal("the route stands behind no gate"))?;
    let mut scope = Scope::of(&principal);
    if let Some(context) = parts.extensions.get::<RequestContext>() {
        scope = scope.with_request(context.request_id).with_trace(Some(context.trace.to_string()));
    }
    Ok((principal, scope))
}

pub(super) fn call(parts: &Parts, body: &[u8]) -> Result<(Principal, Call)> {
    let (principal, scope) = scope(parts)?;
    let operation: &Arc<Operation> =
        parts.extensions.get().ok_or_else(|| Error::internal("the route stands behind no gate"))?;
    let mut call = Call::new(scope, operation.permission.operation);
    if let Some(value) = parts.headers.get(IDEMPOTENCY_KEY).filter(|_| principal.who != Who::Anonymous) {
        let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let text = value.to_str().unwrap_or_default();
        call.key = Some(Key::new(text, Key::fingerprint(parts.method.as_str(), target, body))?);
    }
    Ok((principal, call))
}

fn limit(parts: &Parts) -> BodyLimit {
    parts.extensions.get::<BodyLimit>().copied().unwrap_or_default()
}

impl<T, S> FromRequest<S> for Command<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        super::extract::require_json(&parts.headers)?;
        let bytes = read(body, limit(&parts)).await?;
        let (principal, call) = call(&parts, &bytes)?;
        Ok(Self { call, principal, body: parse(&bytes)? })
    }
}

impl<S: Send + Sync> FromRequest<S> for Action {
    type Rejection = Error;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, limit(&parts)).await?;
        let (principal, call) = call(&parts, &bytes)?;
        Ok(Self { call, principal })
    }
}

/// Who reads, in whose scope.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The caller.
    pub principal: Principal,
    /// Organisation, caller, trace.
    pub scope: Scope,
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Reader {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let (principal, scope) = scope(parts)?;
        Ok(Self { principal, scope })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = status;
        for (name, value) in self.headers {
            let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value));
            if let (Ok(name), Ok(value)) = pair {
                response.headers_mut().append(name, value);
            }
        }
        if status == StatusCode::NO_CONTENT {
            response.headers_mut().remove(CONTENT_TYPE);
        }
        response
    }
}
