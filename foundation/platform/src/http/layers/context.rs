//! What identifies a request: its id and its place in a distributed trace.

use std::fmt;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use kernel::ids::RequestId;
use kernel::random::Random;
use kernel::time::Timestamp;

use crate::http::header::{TRACEPARENT, X_REQUEST_ID};
use crate::{Error, Result};

/// The id and trace of a request, as an extension and an extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestContext {
    /// Accepted from the caller when well formed, drawn otherwise.
    pub request_id: RequestId,
    /// The trace that this request belongs to, with a span id of its own.
    pub trace: Trace,
}

impl RequestContext {
    /// Reads the ids from the headers and draws what is missing.
    pub fn new(headers: &HeaderMap, random: &Random, now: Timestamp) -> Self {
        let request_id = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| random.id(now));
        let parent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(Trace::parse);
        Self { request_id, trace: Trace::below(parent, random) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let missing = || Error::internal("the request passed no layer that gives it an id");
        parts.extensions.get().copied().ok_or_else(missing)
    }
}

/// A W3C trace context (level 1): trace id, span id, flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

impl Trace {
    /// `00-<32 hex>-<16 hex>-<2 hex>`; unknown versions are read as the first, all-zero ids are invalid.
    pub fn parse(text: &str) -> Option<Self> {
        let lower =
            text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let complete = version.len() == 2 && version != "ff" && (version != "00" || parts.next().is_none());
        let mut parsed = Self { id: [0; 16], span: [0; 8], flags: 0 };
        hex::decode_to_slice(trace, &mut parsed.id).ok()?;
        hex::decode_to_slice(span, &mut parsed.span).ok()?;
        let mut flag = [0];
        hex::decode_to_slice(flags, &mut flag).ok()?;
        parsed.flags = flag[0];
        (lower && complete && parsed.id != [0; 16] && parsed.span != [0; 8]).then_some(parsed)
    }

    /// A new span in the parent's trace, or in a trace of its own.
    pub fn below(parent: Option<Self>, random: &Random) -> Self {
        let (id, flags) = parent.map_or_else(|| (random.bytes(), 1), |parent| (parent.id, parent.flags));
        Self { id, span: random.bytes(), flags }
    }

    /// The trace id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        hex::encode(self.id)
    }
}

impl fmt::Display for Trace {
    /// The `traceparent` header for requests made on behalf of this one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex::encode(self.id), hex::encode(self.span), self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(name: http::HeaderName, value: &str) -> RequestContext {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        RequestContext::new(&headers, &Random::seeded(1), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_trace_is_continued_with_a_new_span() {
        assert_eq!(Trace::parse(PARENT).unwrap().to_string(), PARENT);
        let trace = context(TRACEPARENT, PARENT).trace;
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(trace.to_string(), PARENT);
    }

    #[test]
    fn damaged_parents_are_ignored() {
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let upper = PARENT.to_uppercase();
        for bad in
            ["", "00", zero_span, upper.as_str(), &format!("{PARENT}-x"), &PARENT.replacen("00", "ff", 1)]
        {
            assert_eq!(Trace::parse(bad), None, "{bad}");
        }
        assert!(
            Trace::parse(&format!("{}-more", PARENT.replacen("00", "01", 1)).replace("more", "ab")).is_some()
        );
    }

    #[test]
    fn only_a_well_formed_request_id_is_accepted() {
        let given = "req_01h455vb4pex5vsknk084sn02q";
        assert_eq!(context(X_REQUEST_ID, given).request_id.to_string(), given);
        assert_ne!(context(X_REQUEST_ID, "req_x\tinjected").request_id.to_string(), "req_x\tinjected");
    }
}
