//! A file on its way out: never as something that a browser would run.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use kernel::ids::FileId;

/// A content with what a browser must know about it.
#[derive(Clone)]
pub struct Fetched {
    /// Which file.
    pub id: FileId,
    /// As it was stored, never as a caller named it.
    pub media_type: String,
    /// The content in clear.
    pub content: Bytes,
    /// How long the link that led here is still good for.
    pub fresh_for: Duration,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched")
            .field("id", &self.id)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

impl IntoResponse for Fetched {
    fn into_response(self) -> Response {
        let end = self
            .media_type
            .strip_prefix("image/")
            .map_or("bin", |kind| if kind == "jpeg" { "jpg" } else { kind });
        let headers: [(HeaderName, String); 6] = [
            (CONTENT_TYPE, self.media_type.clone()),
            // A page that is opened with the link saves it; `<img>` shows it all the same.
            (CONTENT_DISPOSITION, format!("attachment; filename=\"{}.{end}\"", self.id)),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
            // A file never changes: another content is another file, with another link.
            (CACHE_CONTROL, format!("private, max-age={}, immutable", self.fresh_for.as_secs())),
            (ETAG, format!("\"{}\"", self.id)),
        ];
        let mut response = Response::new(Body::from(self.content));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
