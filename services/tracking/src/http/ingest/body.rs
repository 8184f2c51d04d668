//! The body of a request, within the limit of its operation.

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use platform::Result;
use platform::http::extract::{self, BodyLimit};

/// The head and the whole body.
pub(crate) async fn read(request: Request<Body>) -> Result<(Parts, Bytes)> {
    let (parts, body) = request.into_parts();
    let limit = parts.extensions.get::<BodyLimit>().copied().unwrap_or_default();
    let bytes = extract::read(body, limit).await?;
    Ok((parts, bytes))
}
