//! Reading a body within its limits, and naming the reason when that fails.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower_http::timeout::TimeoutError;

use crate::{Error, Kind, Result};

/// How many bytes a body may have, as a request extension; 1 MiB where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(1024 * 1024)
    }
}

impl BodyLimit {
    /// 413.
    pub fn error(self) -> Error {
        Error::new(Kind::TooLarge, "too_large", format!("The body is larger than {} bytes.", self.0))
    }
}

/// The body stopped arriving.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct BodyTimedOut;

/// The whole body: 413 when it is too large, 408 when it stops arriving, 400 when it breaks off.
pub async fn read(body: Body, limit: BodyLimit) -> Result<Bytes> {
    match Limited::new(body, limit.0).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(explain(error, limit)),
    }
}

/// What is wrong with a body that was sent on and broke off on its way in; `None` when it is not at fault.
pub(in crate::http) fn fault_of(
    error: &(dyn std::error::Error + 'static),
    limit: BodyLimit,
) -> Option<Error> {
    if has_cause::<LengthLimitError>(error) {
        return Some(limit.error());
    }
    let late = has_cause::<BodyTimedOut>(error) || has_cause::<TimeoutError>(error);
    late.then(|| Error::new(Kind::RequestTimeout, "body_timeout", "The body did not arrive in time."))
}

fn explain(error: Box<dyn std::error::Error + Send + Sync>, limit: BodyLimit) -> Error {
    if let Some(fault) = fault_of(error.as_ref(), limit) {
        return fault;
    }
    Error::new(Kind::Malformed, "broken_body", "The body could not be read to its end.").with_source(error)
}

fn has_cause<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |cause| cause.source()).any(<dyn std::error::Error>::is::<E>)
}
