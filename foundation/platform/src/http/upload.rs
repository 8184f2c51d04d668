//! A mutating call whose body is a picture.

use axum::body::Body;
use axum::extract::FromRequest;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};

use super::call::call;
use super::extract::{BodyLimit, read};
use crate::auth::Principal;
use crate::idempotency::Call;
use crate::{Error, Kind, Result};

/// What may be sent. What it really is is told from the content (`crate::files`).
const PICTURES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// A mutating call with a picture as its body, up to `http.upload_limit_bytes`.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Who calls what, with which key.
    pub call: Call,
    /// The caller.
    pub principal: Principal,
    /// As it was sent.
    pub body: Bytes,
}

/// Whether a body is announced as a picture: such bodies may be larger (`layers::limits`).
pub(in crate::http) fn is_picture(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    PICTURES.iter().any(|known| essence.eq_ignore_ascii_case(known))
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Error;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        if !is_picture(&parts.headers) {
            return Err(Error::new(
                Kind::UnsupportedMedia,
                "unsupported_media_type",
                "Send the picture as Content-Type: image/jpeg, image/png or image/webp.",
            ));
        }
        let limit = parts.extensions.get::<BodyLimit>().copied().unwrap_or_default();
        let body = read(body, limit).await?;
        let (principal, call) = call(&parts, &body)?;
        Ok(Self { call, principal, body })
    }
}
