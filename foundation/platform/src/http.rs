//! HTTP as every service speaks it: problem documents, extractors, pagination, versions, limits, the operation
//! table and the OpenAPI document.
//!
//! Rules that hold here:
//! - A handler returns `Result<impl IntoResponse, platform::Error>`; nothing else becomes an error response.
//! - A client error is never a 500, and a cause never reaches the caller.
//! - What the OpenAPI document says is what is enforced: methods, permissions and query parameters are read from it.
//! - Clock and randomness are handed in ([`layers::Edge`], [`rate_limit::MemoryLimiter`]).

pub mod call;
pub mod callers;
pub mod channel;
pub mod client_addr;
mod deadline;
pub mod etag;
pub mod extract;
pub mod internal;
pub mod layers;
pub mod openapi;
pub mod operations;
pub mod pagination;
mod peer;
pub mod problem;
pub mod rate_limit;
pub mod server;
pub mod upload;

pub use channel::Channel;
pub use client_addr::{ClientAddr, ClientIp};
pub use deadline::{DEADLINE_MS, Deadline};
pub use extract::{Json, Path, Query};
pub use operations::Caller;
pub use peer::Peers;

/// Names of headers that `http` does not define.
pub mod header {
    use http::HeaderName;

    /// The id of a request, in logs, problems and support cases.
    pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    /// W3C Trace Context, level 1.
    pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    /// The client's name for one attempt to change something.
    pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
    /// What is left of a quota (draft-ietf-httpapi-ratelimit-headers-10).
    pub const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
    /// The quota itself (same draft).
    pub const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
    /// The chain of proxies; believed only from configured ones.
    pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
}
