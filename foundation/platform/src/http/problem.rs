//! Problem documents (RFC 9457) from [`Error`].
//!
//! An error is rendered here when a handler returns it, and travels with its response as an extension. The
//! layer around the router ([`complete`]) renders it once more with the request id and trace id, and logs its cause once:
//! failures of ours as errors, a dependency that is away as a warning, refusals at debug level.
//!
//! | member | from |
//! |---|---|
//! | `type` | `/problems/<code>` |
//! | `title` | the name of the status |
//! | `detail`, `code`, `errors[]` | the error |
//! | `request_id`, `trace_id` | the request |
//! | others | [`Error::with_extension`] |

use std::future::{Ready, ready};
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::layers::RequestContext;
use crate::{Error, Kind};

/// The media type of every error answer.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The error behind a response, for the layer that completes and logs it.
#[derive(Clone)]
struct Cause(Arc<Error>);

/// The document for an error. Members of the standard win over extensions of the same name.
pub fn document(error: &Error, context: Option<&RequestContext>) -> Value {
    let mut members: Map<String, Value> = error.extensions().clone();
    let status = status(error);
    members.insert("type".to_owned(), format!("/problems/{}", error.code()).into());
    members.insert("title".to_owned(), status.canonical_reason().unwrap_or("Error").into());
    members.insert("status".to_owned(), status.as_u16().into());
    members.insert("detail".to_owned(), error.message().into());
    members.insert("code".to_owned(), error.code().into());
    if !error.fields().is_empty() {
        let fields =
            error.fields().iter().map(|f| serde_json::json!({"pointer": f.pointer, "detail": f.detail}));
        members.insert("errors".to_owned(), fields.collect());
    }
    if let Some(context) = context {
        members.insert("request_id".to_owned(), context.request_id.to_string().into());
        members.insert("trace_id".to_owned(), context.trace.trace_id().into());
    }
    Value::Object(members)
}

fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn body(error: &Error, context: Option<&RequestContext>) -> String {
    document(error, context).to_string()
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (status(&self), body(&self, None)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(after) = self.retry_after() {
            // Rounded up: who waits this long finds the way free.
            let seconds = after.as_millis().div_ceil(1000).max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        if self.kind() == Kind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge(self.code())));
        }
        response.extensions_mut().insert(Cause(Arc::new(self)));
        response
    }
}

/// RFC 6750, section 3: a credential that was presented and refused is named so, a missing one is not.
fn challenge(code: &str) -> &'static str {
    match code {
        "invalid_token" => "Bearer realm=\"dropmate\", error=\"invalid_token\"",
        _ => "Bearer realm=\"dropmate\"",
    }
}

/// Adds the request's ids to a problem document and logs its cause. Responses without an error pass unchanged.
pub fn complete(mut response: Response, context: &RequestContext) -> Response {
    let Some(Cause(error)) = response.extensions_mut().remove::<Cause>() else {
        return response;
    };
    log(&error);
    let (mut parts, _without_ids) = response.into_parts();
    parts.headers.remove(http::header::CONTENT_LENGTH);
    Response::from_parts(parts, body(&error, Some(context)).into())
}

/// [`complete`] as a layer: inside compression, which must see the final body, and outside everything that fails.
pub(super) async fn layer(context: RequestContext, request: Request, next: Next) -> Response {
    complete(next.run(request).await, &context)
}

fn log(error: &Error) {
    match error.kind() {
        Kind::Internal => {
            tracing::error!(code = error.code(), cause = error.chain(), "A request failed on our side");
        }
        Kind::Unavailable | Kind::Timeout => {
            tracing::warn!(
                code = error.code(),
                cause = error.chain(),
                "A dependency did not answer a request"
            );
        }
        _ => tracing::debug!(code = error.code(), cause = error.chain(), "A request was refused"),
    }
}

/// For routes that do not exist.
pub fn fallback() -> Ready<Error> {
    ready(Error::not_found("path"))
}

/// For methods that a path does not have; axum adds the `Allow` header.
pub fn method_not_allowed() -> Ready<Error> {
    ready(Error::new(Kind::MethodNotAllowed, "method_not_allowed", "This path does not support the method."))
}

/// The answer to a panic; its text goes to the log only.
pub fn from_panic(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    Error::internal(format!("panicked: {text}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_document_has_the_members_of_the_standard() {
        let error = Error::invalid_field("/name", "is too long").with_extension("status", "mine");
        let document = document(&error, None);
        assert_eq!(document["type"], "/problems/invalid");
        assert_eq!(document["status"], 422, "an extension cannot replace a member of the standard");
        assert_eq!(document["title"], "Unprocessable Entity");
        assert_eq!(document["errors"][0]["pointer"], "/name");
        assert!(document.get("request_id").is_none());
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let error = Error::unavailable("database").with_retry_after(Duration::from_millis(1200));
        assert_eq!(error.into_response().headers()[RETRY_AFTER], "2");
    }

    #[test]
    fn a_401_names_the_scheme() {
        assert!(Error::unauthenticated().into_response().headers().contains_key(WWW_AUTHENTICATE));
    }

    #[test]
    fn a_panic_keeps_its_text_from_the_caller() {
        let error = from_panic(&"secret");
        assert!(!document(&error, None).to_string().contains("secret"));
        assert!(error.chain().contains("secret"));
    }
}
