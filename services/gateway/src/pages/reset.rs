//! `GET/POST /reset/{token}`: a new password.

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::response::Response;
use http::{Method, StatusCode};
use platform::Result;
use platform::http::Path;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Message, Refusal, expired, html};
use crate::call::Visitor;

/// What the form sends.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetForm {
    /// The new password.
    password: String,
}

#[derive(Template)]
#[template(path = "pages/reset.html")]
struct Page<'a> {
    refusal: &'a Refusal,
}

/// The form for a new password. Whether the link works shows when it is used.
#[utoipa::path(
    get, path = "/reset/{token}", operation_id = "get_reset_page", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dml_0123456789abcdefghjkmnpqrstvwxyz")),
    responses((status = 200, description = "The form.", body = String, content_type = "text/html"))
)]
pub(crate) async fn reset_page(Path(_token): Path<String>) -> Result<Response> {
    html(StatusCode::OK, &Page { refusal: &Refusal::default() })
}

/// Sets it.
#[utoipa::path(
    post, path = "/reset/{token}", operation_id = "submit_reset", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dml_0123456789abcdefghjkmnpqrstvwxyz")),
    request_body(content = ResetForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The new password holds.", body = String, content_type = "text/html"))
)]
pub(crate) async fn submit_reset(
    Path(token): Path<String>,
    visitor: Visitor,
    form: Result<Form<ResetForm>, FormRejection>,
) -> Result<Response> {
    let password = form.map(|Form(form)| form.password).unwrap_or_default();
    let body = json!({ "token": token, "password": password });
    let answer = visitor.call(Method::POST, "/api/v1/auth/password/reset", Some(&body)).await?;
    match answer.status {
        StatusCode::NO_CONTENT => html(
            StatusCode::OK,
            &Message {
                title: "Your new password holds",
                text: "You have been signed out everywhere else.",
                hint: "You can close this page and sign in with the new password.",
            },
        ),
        StatusCode::NOT_FOUND => expired(),
        status => html(status, &Page { refusal: &Refusal::read(&answer.body) }),
    }
}
