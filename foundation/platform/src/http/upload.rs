//! A mutating call whose body is a file: a picture, or a table.

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

/// Tables of comma-separated values.
const CSV: &str = "text/csv";
/// Workbooks of Office Open XML.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Bytes of a table: a workbook grows when it is unpacked, a picture does not.
const SHEET_LIMIT: usize = 5 * 1024 * 1024;

/// The media type that a body is announced with, without parameters.
fn essence(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    Some(value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim())
}

fn is_picture(headers: &HeaderMap) -> bool {
    let announced = essence(headers).unwrap_or_default();
    PICTURES.iter().any(|known| announced.eq_ignore_ascii_case(known))
}

/// Whether a body is announced as a file: such bodies may be larger (`layers::limits`).
pub(in crate::http) fn is_file(headers: &HeaderMap) -> bool {
    is_picture(headers) || SheetKind::of(headers).is_some()
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetKind {
    /// Lines with separated values.
    Csv,
    /// The first sheet of a workbook.
    Xlsx,
}

impl SheetKind {
    fn of(headers: &HeaderMap) -> Option<Self> {
        match essence(headers)? {
            announced if announced.eq_ignore_ascii_case(CSV) => Some(Self::Csv),
            announced if announced.eq_ignore_ascii_case(XLSX) => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// A mutating call with a table as its body, up to 5 MiB.
#[derive(Debug, Clone)]
pub struct SheetUpload {
    /// Who calls what, with which key.
    pub call: Call,
    /// The caller.
    pub principal: Principal,
    /// As what it was announced.
    pub kind: SheetKind,
    /// As it was sent.
    pub body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for SheetUpload {
    type Rejection = Error;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let Some(kind) = SheetKind::of(&parts.headers) else {
            return Err(Error::new(
                Kind::UnsupportedMedia,
                "unsupported_media_type",
                format!("Send the table as Content-Type: {CSV} or {XLSX}."),
            ));
        };
        let limit = parts.extensions.get::<BodyLimit>().copied().unwrap_or_default();
        let body = read(body, BodyLimit(limit.0.min(SHEET_LIMIT))).await?;
        let (principal, call) = call(&parts, &body)?;
        Ok(Self { call, principal, kind, body })
    }
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
