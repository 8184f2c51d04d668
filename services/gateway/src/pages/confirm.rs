//! `GET/POST /confirm/{token}`: a new e-mail address. A button, because mail programs open links by themselves.

use askama::Template;
use axum::response::Response;
use http::{Method, StatusCode};
use platform::Result;
use platform::http::Path;
use serde_json::json;

use super::{Message, expired, html};
use crate::call::Visitor;

#[derive(Template)]
#[template(path = "pages/confirm.html")]
struct Page;

/// The button that confirms a new address.
#[utoipa::path(
    get, path = "/confirm/{token}", operation_id = "get_confirm_page", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dml_0123456789abcdefghjkmnpqrstvwxyz")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) async fn confirm_page(Path(_token): Path<String>) -> Result<Response> {
    html(StatusCode::OK, &Page)
}

/// Confirms it.
#[utoipa::path(
    post, path = "/confirm/{token}", operation_id = "submit_confirm", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dml_0123456789abcdefghjkmnpqrstvwxyz")),
    responses((status = 200, description = "The new address holds.", body = String, content_type = "text/html"))
)]
pub(crate) async fn submit_confirm(Path(token): Path<String>, visitor: Visitor) -> Result<Response> {
    let body = json!({ "token": token });
    let answer = visitor.call(Method::POST, "/api/v1/auth/email/confirm", Some(&body)).await?;
    if answer.status != StatusCode::NO_CONTENT {
        return expired();
    }
    let hint = "You can close this page and sign in with the new address.";
    html(StatusCode::OK, &Message { title: "Your new address holds", text: "Thank you.", hint })
}
