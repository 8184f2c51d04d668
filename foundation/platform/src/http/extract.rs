//! Extractors whose every rejection is a problem document.
//!
//! | what | malformed | readable but refused |
//! |---|---|---|
//! | [`Json`] | 400 `invalid_json`; 415 `unsupported_media_type`; 413 `too_large`; 408 `body_timeout` | 422 `invalid` |
//! | [`Query`] | 400 `invalid_query` (damaged percent encoding, not UTF-8) | 422 `invalid` |
//! | [`Path`] | 404 `not_found`: an object with such an id cannot exist | - |
//!
//! 422 names every refused field: JSON pointers in bodies, parameter names in queries. Integers refuse `67.5` and
//! `67.0`, DTOs refuse unknown fields (`#[serde(deny_unknown_fields)]`), and no text may contain U+0000, which
//! PostgreSQL cannot store.

mod body;
mod json;
mod query;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

pub(in crate::http) use body::fault_of;
pub use body::{BodyLimit, BodyTimedOut, read};
pub use json::{parse, require_json};
pub(in crate::http) use query::pairs as query_pairs;

/// A JSON body: validated on the way in, plain on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A validated query string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// Path parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(http::header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Error::internal(error).into_response(),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if parts.uri.path().contains("%00") {
            return Err(Error::not_found("object"));
        }
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(axum::extract::rejection::PathRejection::FailedToDeserializePathParams(error)) => {
                Err(Error::not_found("object").with_source(error))
            }
            // A route without the parameters that its handler names: our mistake, not the caller's.
            Err(error) => Err(Error::internal(error)),
        }
    }
}

/// A field of an update that may be absent but not cleared: `#[serde(default, deserialize_with = "present")]`. An
/// explicit `null` would clear it (docs/api-design.md), so it is refused.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Refused fields from a validation report, as JSON pointers or parameter names.
fn refuse(report: &garde::Report, pointer: impl Fn(&str) -> String) -> Error {
    let refused =
        Error::new(crate::Kind::Invalid, "invalid", "The request contains values that are not accepted.");
    report
        .iter()
        .fold(refused, |error, (path, reason)| error.with_field(pointer(&path.to_string()), reason.message()))
}

/// `items[2].name` as `/items/2/name` (RFC 6901); what serde and garde print, in the form of the standard.
fn to_pointer(path: &str) -> String {
    if path.is_empty() || path == "." {
        return String::new();
    }
    path.replace('[', ".")
        .replace(']', "")
        .split('.')
        .filter(|part| !part.is_empty() && *part != "?")
        .fold(String::new(), |pointer, part| pointer + "/" + &part.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_pointers() {
        assert_eq!(to_pointer("items[2].name"), "/items/2/name");
        assert_eq!(to_pointer("."), "");
        assert_eq!(to_pointer("a/b"), "/a~1b");
    }
}
