//! The few pages that exist before the web apps: first run, joining, setting a password, confirming an address, status; the
//! day on one page (`/live`), a driver's work (`/drive`), a delivery for its customer (`/t/<code>`).
//!
//! They are rendered here and work without scripts, except those for which somebody has to be signed in: the access token
//! is kept by a script in memory (design section 6), which fetches what is rendered. A page never touches data: it calls the same operations of the API
//! that any client calls, and shows what they answer. The secret of a link stands in the path, so these pages send
//! `Referrer-Policy: no-referrer` and `Cache-Control: no-store` like every answer, and link to nothing outside.

mod confirm;
mod drive;
pub(crate) mod home;
mod join;
mod library;
mod live;
mod live_map;
mod phone;
mod reset;
mod setup;
mod show;
mod sketch;
mod track;

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use platform::http::openapi::Api;
use platform::{Error, Result};
use utoipa_axum::routes;

use crate::http::Shared;

pub(crate) fn routes(api: Api<Shared>) -> Api<Shared> {
    api.routes(routes!(home::home))
        .routes(routes!(home::style))
        .routes(routes!(phone::phone_page))
        .routes(routes!(setup::setup_page, setup::submit_setup))
        .routes(routes!(join::join_page, join::submit_join))
        .routes(routes!(reset::reset_page, reset::submit_reset))
        .routes(routes!(confirm::confirm_page, confirm::submit_confirm))
        .routes(routes!(live::sign_in_page))
        .routes(routes!(live::script))
        .routes(routes!(library::library))
        .routes(routes!(library::map_script))
        .routes(routes!(library::live_map_script))
        .routes(routes!(live::live_page))
        .routes(routes!(live::live_board))
        .routes(routes!(drive::drive_page))
        .routes(routes!(drive::drive_day))
        .routes(routes!(track::track_page))
        .routes(routes!(track::submit_rating))
        .routes(routes!(track::submit_receipt))
}

/// A page that only says something.
#[derive(Template)]
#[template(path = "pages/message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
    hint: &'a str,
}

/// What a page may load: nothing but our own style and pictures.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";
/// The same, and our own scripts, which call our own API; a map is drawn by one more that works beside the page.
const SCRIPTED: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; worker-src 'self'; \
                        connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Renders a template as an answer.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Result<Response> {
    rendered(status, page, POLICY)
}

/// A page with the script.
fn scripted(status: StatusCode, page: &impl Template) -> Result<Response> {
    rendered(status, page, SCRIPTED)
}

fn rendered(status: StatusCode, page: &impl Template, policy: &'static str) -> Result<Response> {
    let body = page.render().map_err(Error::internal)?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}

/// The page behind a link that does not work (any more).
fn expired() -> Result<Response> {
    let page = Message {
        title: "This link does not work",
        text: "It has expired, or it was used already.",
        hint: "Ask whoever gave it to you for a new one. An owner link is printed anew by `dropmate owner-link`.",
    };
    html(StatusCode::NOT_FOUND, &page)
}

/// What a form shows above its fields after a refusal.
#[derive(Debug, Clone, Default)]
struct Refusal {
    /// One sentence.
    message: String,
    /// What is wrong with which field.
    fields: Vec<(String, String)>,
}

impl Refusal {
    fn is_empty(&self) -> bool {
        self.message.is_empty()
    }

    /// What is wrong with one field, or nothing.
    fn of(&self, field: &str) -> &str {
        self.fields.iter().find(|(name, _)| name == field).map_or("", |(_, detail)| detail)
    }

    /// Reads a problem document.
    fn read(problem: &serde_json::Value) -> Self {
        let fields = problem["errors"].as_array().into_iter().flatten().filter_map(|error| {
            let pointer = error["pointer"].as_str()?.trim_start_matches('/');
            Some((pointer.to_owned(), error["detail"].as_str()?.to_owned()))
        });
        let message = problem["detail"].as_str().unwrap_or("Something went wrong.");
        Self { message: message.to_owned(), fields: fields.collect() }
    }
}
