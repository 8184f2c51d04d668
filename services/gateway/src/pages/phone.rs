//! `GET /setup/phone`: what somebody at a computer shows to phones.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use platform::{Result, qr};

use super::html;
use crate::http::Shared;

#[derive(Template)]
#[template(path = "pages/phone.html")]
struct Page<'a> {
    app: &'a str,
    app_qr: String,
    trust: Option<Trust<'a>>,
}

struct Trust<'a> {
    name: &'a str,
    fingerprint: &'a str,
    page: Option<(&'a str, String)>,
}

/// Codes for phones: where to learn to trust the certificate, if that is needed, and where DropMate is.
#[utoipa::path(
    get, path = "/setup/phone", operation_id = "get_phone_page", tag = "pages",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) async fn phone_page(State(shared): State<Shared>) -> Result<Response> {
    let phones = &shared.phones;
    let trust = phones.trust.as_deref().map(shown).transpose()?;
    html(StatusCode::OK, &Page { app: &phones.app, app_qr: qr::svg(&phones.app)?, trust })
}

fn shown(trust: &crate::Trust) -> Result<Trust<'_>> {
    let page = match trust.page.as_deref() {
        None => None,
        Some(page) => Some((page, qr::svg(page)?)),
    };
    Ok(Trust { name: &trust.name, fingerprint: &trust.fingerprint, page })
}
