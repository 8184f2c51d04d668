//! Versions over HTTP: strong entity tags, `If-Match`, `If-None-Match` (RFC 9110, sections 8.8 and 13).
//!
//! The tag of an object is its version number in quotes. Content codings share it: it names the state that an
//! update starts from, which compression does not change. Weak tags never match in `If-Match` (strong comparison).

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::{Error, Kind, Result};

/// The tag of a version.
pub fn etag(version: i64) -> HeaderValue {
    // Digits and quotes are always a valid header value.
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The versions that a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    /// Opaque tags between the quotes, with their weakness.
    Listed(Vec<(bool, String)>),
}

impl Tags {
    fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>> {
        if !headers.contains_key(name) {
            return Ok(None);
        }
        let malformed =
            || Error::new(Kind::Malformed, "invalid_etag", "The condition is not a list of entity tags.");
        let mut listed = Vec::new();
        for value in headers.get_all(name) {
            let text = value.to_str().map_err(|error| malformed().with_source(error))?.trim();
            if text == "*" {
                return Ok(Some(Self::Any));
            }
            parse_list(text, &mut listed).ok_or_else(malformed)?;
        }
        // An empty list is a condition as well (`#entity-tag`): no version fits it.
        Ok(Some(Self::Listed(listed)))
    }

    fn contains(&self, version: i64, weak_too: bool) -> bool {
        let wanted = version.to_string();
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|(weak, tag)| *tag == wanted && (weak_too || !weak)),
        }
    }
}

/// `entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE`, separated by commas; empty list elements are allowed.
fn parse_list(text: &str, into: &mut Vec<(bool, String)>) -> Option<()> {
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let weak = rest.starts_with("W/");
        let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = opened.split_once('"')?;
        if tag.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return None;
        }
        into.push((weak, tag.to_owned()));
        let after = after.trim_start_matches([' ', '\t']);
        if !after.is_empty() && !after.starts_with(',') {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    Some(())
}

/// The `If-Match` of an update. As an argument it demands the header (428 without); `Option<IfMatch>` does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Tags);

impl IfMatch {
    /// Goes on if the object still has a version that the caller has seen; 412 with the current one otherwise.
    pub fn check(&self, version: i64) -> Result<()> {
        if self.0.contains(version, false) {
            return Ok(());
        }
        Err(Error::new(Kind::Stale, "stale", "The object has changed since you read it.")
            .with_extension("current_version", version))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        Tags::read(&parts.headers, &IF_MATCH)?.map(Self).ok_or_else(|| {
            Error::new(
                Kind::PreconditionRequired,
                "precondition_required",
                "Send If-Match with the ETag you have read.",
            )
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>> {
        Ok(Tags::read(&parts.headers, &IF_MATCH)?.map(Self))
    }
}

/// The `If-None-Match` of a read; empty when the header is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// 304 when the caller already has this version, otherwise the answer with its `ETag`.
    pub fn respond(&self, version: i64, answer: impl FnOnce() -> Response) -> Response {
        let known = self.0.as_ref().is_some_and(|tags| tags.contains(version, true));
        let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { answer() };
        response.headers_mut().insert(ETAG, etag(version));
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        Ok(Self(Tags::read(&parts.headers, &IF_NONE_MATCH)?))
    }
}

/// A body with the version it shows, as `ETag`.
#[derive(Debug, Clone, Copy)]
pub struct Versioned<R>(pub i64, pub R);

impl<R: IntoResponse> IntoResponse for Versioned<R> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        response.headers_mut().insert(ETAG, etag(self.0));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(value: &str) -> Result<Option<Tags>> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_str(value).unwrap());
        Tags::read(&headers, &IF_MATCH)
    }

    #[test]
    fn only_a_strong_tag_of_the_version_matches() {
        let check = |value: &str| IfMatch(tags(value).unwrap().unwrap()).check(7).is_ok();
        assert!(check("\"7\"") && check("*") && check("\"1\", \"7\"") && check(", \"7\" ,"));
        assert!(!check("") && !check(",") && !check("\"8\"") && !check("W/\"7\"") && !check("\"07\""));
    }

    #[test]
    fn a_stale_version_is_412_and_names_the_current_one() {
        let error = IfMatch(tags("\"1\"").unwrap().unwrap()).check(7).unwrap_err();
        assert_eq!(error.kind().status(), 412);
        assert_eq!(error.extensions()["current_version"], 7);
    }

    #[test]
    fn damaged_conditions_are_malformed() {
        for bad in ["7", "\"7", "\"7\" \"8\"", "\"a b\""] {
            assert_eq!(tags(bad).unwrap_err().code(), "invalid_etag", "{bad}");
        }
    }

    #[test]
    fn a_known_version_is_304() {
        let known = IfNoneMatch(tags("W/\"7\"").unwrap());
        let response = known.respond(7, || "body".into_response());
        assert_eq!((response.status(), &response.headers()[ETAG]), (StatusCode::NOT_MODIFIED, &etag(7)));
        assert_eq!(known.respond(8, || "body".into_response()).status(), StatusCode::OK);
    }
}
