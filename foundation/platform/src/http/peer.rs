//! Calling another service of the installation, in its own right: typed calls ([`contracts::calls::Call`]) over a
//! [`Channel`], the same in one process and across a wire.
//!
//! | the answer | becomes |
//! |---|---|
//! | 2xx | the call's answer |
//! | a refusal (4xx) | the same error: kind, code, message and further members |
//! | anything else, or none in time | 503 or 504 |

use std::collections::BTreeMap;
use std::fmt;

use axum::body::Body;
use axum::response::Response;
use contracts::calls::Call;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};

use super::Channel;
use super::extract::{BodyLimit, read};
use super::header::{IDEMPOTENCY_KEY, TRACEPARENT};
use crate::auth::OnBehalf;
use crate::db::Scope;
use crate::{Error, Kind, Result};

/// Longest answer that is read.
const MAX_ANSWER: BodyLimit = BodyLimit(4 * 1024 * 1024);

/// The other services, by name. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Peers {
    channels: BTreeMap<&'static str, Channel>,
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.channels.keys()).finish()
    }
}

impl Peers {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, service: &'static str, channel: Channel) -> Self {
        self.channels.insert(service, channel);
        self
    }

    /// Asks for something and changes nothing.
    pub async fn ask<C: Call>(&self, scope: &Scope, call: &C) -> Result<C::Answer> {
        self.send(scope, None, call).await
    }

    /// Has something done, once for each key, whatever breaks in between: name the key after what it is for.
    pub async fn tell<C: Call>(&self, scope: &Scope, key: &str, call: &C) -> Result<C::Answer> {
        let key = HeaderValue::from_str(key).map_err(Error::internal)?;
        self.send(scope, Some(key), call).await
    }

    async fn send<C: Call>(&self, scope: &Scope, key: Option<HeaderValue>, call: &C) -> Result<C::Answer> {
        let channel = self.channels.get(C::SERVICE).ok_or_else(|| Error::unavailable(C::SERVICE))?;
        let mut request = Request::post(C::PATH)
            .header(CONTENT_TYPE, "application/json")
            .extension(OnBehalf::System(scope.org))
            .body(Body::from(serde_json::to_vec(call)?))
            .map_err(Error::internal)?;
        if let Some(key) = key {
            request.headers_mut().insert(IDEMPOTENCY_KEY, key);
        }
        if let Some(Ok(trace)) = scope.trace.as_deref().map(HeaderValue::from_str) {
            request.headers_mut().insert(TRACEPARENT, trace);
        }
        let response = channel.call(request).await?;
        let refused = !response.status().is_success();
        let (status, bytes) = (response.status().as_u16(), body(response).await?);
        if refused {
            return Err(refusal(C::SERVICE, status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(Error::internal)
    }
}

async fn body(response: Response) -> Result<bytes::Bytes> {
    read(response.into_body(), MAX_ANSWER)
        .await
        .map_err(|error| Error::unavailable("service").with_source(error))
}

/// What a problem document says, as an error of this side.
fn refusal(service: &'static str, status: u16, body: &[u8]) -> Error {
    let Some(kind) = Kind::of_refusal(status) else {
        return Error::unavailable(service).with_source(format!("{service} answered {status}"));
    };
    let document: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).unwrap_or_default();
    let text =
        |name: &str| document.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let mut error = Error::new(kind, text("code"), text("detail"));
    let standard = ["type", "title", "status", "detail", "code", "request_id", "trace_id", "errors"];
    for (name, value) in &document {
        if !standard.contains(&name.as_str()) {
            error = error.with_extension(name, value.clone());
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_arrives_as_it_was_given() {
        let body = br#"{"type":"/problems/x","status":409,"code":"not_yours","detail":"No.","state":{"status":"created"}}"#;
        let error = refusal("orders", 409, body);
        assert_eq!((error.kind(), error.code(), error.message()), (Kind::Conflict, "not_yours", "No."));
        assert_eq!(error.extensions()["state"]["status"], "created");
        assert_eq!(error.extensions().len(), 1);
    }

    #[test]
    fn a_failure_of_the_other_is_not_told_as_ours() {
        for status in [500, 502, 503, 504, 301] {
            assert_eq!(refusal("orders", status, b"secret").kind(), Kind::Unavailable, "{status}");
        }
    }
}
