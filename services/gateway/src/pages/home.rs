//! `GET /`, `GET /style.css`

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use platform::Result;

use super::html;
use crate::Dependency;
use crate::http::Shared;

#[derive(Template)]
#[template(path = "pages/home.html")]
struct Home {
    version: &'static str,
    ready: bool,
    dependencies: Vec<Dependency>,
    /// Whether phones must learn to trust the certificate first.
    phones: bool,
}

/// The state of the installation, for people.
#[utoipa::path(
    get, path = "/", operation_id = "get_home_page", tag = "pages",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) async fn home(State(shared): State<Shared>) -> Result<Response> {
    let dependencies = shared.readiness.check().await;
    let ready = dependencies.iter().all(|dependency| dependency.ok || !dependency.required);
    let phones = shared.phones.trust.is_some();
    html(StatusCode::OK, &Home { version: env!("CARGO_PKG_VERSION"), ready, dependencies, phones })
}

/// The style of the pages.
#[utoipa::path(
    get, path = "/style.css", operation_id = "get_page_style", tag = "pages",
    responses((status = 200, description = "The style sheet.", body = String, content_type = "text/css"))
)]
pub(crate) fn style() -> std::future::Ready<Response> {
    let head = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    std::future::ready((head, include_str!("../../templates/pages/style.css")).into_response())
}
