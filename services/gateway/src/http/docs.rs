//! The API document and its readable page.

use axum::Extension;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use platform::http::openapi::Document;

/// The document and the page made from it.
#[derive(Debug, Clone)]
pub(crate) struct Docs {
    pub(crate) document: Document,
    pub(crate) page: Bytes,
}

/// This API as an OpenAPI 3.1 document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "get_openapi", tag = "installation",
    params(("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses(
        (status = 200, description = "The document.", body = serde_json::Value, example = json!({"openapi": "3.1.0"})),
        (status = 304, description = "You have it already."),
    )
)]
pub(crate) async fn openapi(Extension(docs): Extension<Docs>, headers: HeaderMap) -> Response {
    let etag = docs.document.etag().to_owned();
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
    });
    let head = [(ETAG, etag), (CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(CONTENT_TYPE, "application/json")], docs.document.text()).into_response()
}

/// This API for people.
#[utoipa::path(
    get, path = "/api/docs", operation_id = "get_api_page", tag = "installation",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) async fn page(Extension(docs): Extension<Docs>) -> Response {
    let policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let head = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, policy)];
    (head, docs.page).into_response()
}

/// The style of the page.
#[utoipa::path(
    get, path = "/api/docs/style.css", operation_id = "get_api_page_style", tag = "installation",
    responses((status = 200, description = "The style sheet.", body = String, content_type = "text/css"))
)]
pub(crate) fn style() -> std::future::Ready<Response> {
    let head = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    std::future::ready((head, include_str!("../../templates/style.css")).into_response())
}
