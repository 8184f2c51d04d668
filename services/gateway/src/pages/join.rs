//! `GET/POST /join/{token}`: the page behind an invitation. Drivers need no e-mail address: a number and a PIN do.

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::response::Response;
use http::{Method, StatusCode};
use platform::Result;
use platform::http::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Message, Refusal, expired, html};
use crate::call::Visitor;

/// What the form sends.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinForm {
    /// As the person wants to be called.
    name: String,
    /// Number to sign in with.
    #[serde(default)]
    phone: String,
    /// PIN that belongs to the number.
    #[serde(default)]
    pin: String,
    /// Address to sign in with.
    #[serde(default)]
    email: String,
    /// Password that belongs to the address.
    #[serde(default)]
    password: String,
    /// From who has an account with a second factor.
    #[serde(default)]
    code: String,
}

#[derive(Template)]
#[template(path = "pages/join.html")]
struct Page<'a> {
    organization: &'a str,
    role: &'a str,
    with_phone: bool,
    with_code: bool,
    form: &'a JoinForm,
    refusal: &'a Refusal,
}

fn page(offer: &Value, status: StatusCode, form: &JoinForm, refusal: &Refusal) -> Result<Response> {
    let role = offer["role"].as_str().unwrap_or_default();
    let organization = offer["organization"].as_str().unwrap_or_default();
    let with_code = status == StatusCode::UNAUTHORIZED;
    html(status, &Page { organization, role, with_phone: role == "driver", with_code, form, refusal })
}

/// What the invitation is for; `None` when it does not work.
async fn offer(visitor: &Visitor, token: &str) -> Result<Option<Value>> {
    let body = json!({ "token": token });
    let answer = visitor.call(Method::POST, "/api/v1/auth/invitations/look-up", Some(&body)).await?;
    Ok((answer.status == StatusCode::OK).then_some(answer.body))
}

/// The form that accepts an invitation.
#[utoipa::path(
    get, path = "/join/{token}", operation_id = "get_join_page", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dmi_0123456789abcdefghjkmnpqrstvwxyz")),
    responses((status = 200, description = "The form.", body = String, content_type = "text/html"))
)]
pub(crate) async fn join_page(Path(token): Path<String>, visitor: Visitor) -> Result<Response> {
    match offer(&visitor, &token).await? {
        Some(offer) => page(&offer, StatusCode::OK, &JoinForm::default(), &Refusal::default()),
        None => expired(),
    }
}

/// Accepts it.
#[utoipa::path(
    post, path = "/join/{token}", operation_id = "submit_join", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dmi_0123456789abcdefghjkmnpqrstvwxyz")),
    request_body(content = JoinForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A member now.", body = String, content_type = "text/html"))
)]
pub(crate) async fn submit_join(
    Path(token): Path<String>,
    visitor: Visitor,
    form: Result<Form<JoinForm>, FormRejection>,
) -> Result<Response> {
    let Some(offer) = offer(&visitor, &token).await? else {
        return expired();
    };
    let Ok(Form(form)) = form else {
        let refusal = Refusal { message: "The form was not complete.".to_owned(), fields: Vec::new() };
        return page(&offer, StatusCode::UNPROCESSABLE_ENTITY, &JoinForm::default(), &refusal);
    };
    let mut body = json!({ "token": token, "name": form.name, "client": "browser" });
    // People write numbers with spaces; the API wants E.164.
    let phone: String = form.phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let given = [
        ("phone", phone.as_str()),
        ("pin", &form.pin),
        ("email", &form.email),
        ("password", &form.password),
        ("code", &form.code),
    ];
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_empty()) {
        body[name] = value.into();
    }
    let answer = visitor.call(Method::POST, "/api/v1/auth/invitations/accept", Some(&body)).await?;
    match answer.status {
        StatusCode::CREATED => {
            let text = format!("You are a {} of {} now.", text(&offer, "role"), text(&offer, "organization"));
            let hint = "You can close this page. Sign in with what you have just entered.";
            let mut response = html(StatusCode::OK, &Message { title: "Welcome", text: &text, hint })?;
            answer.pass_cookie(&mut response);
            Ok(response)
        }
        StatusCode::NOT_FOUND => expired(),
        status => page(&offer, status, &form, &Refusal::read(&answer.body)),
    }
}

fn text<'a>(offer: &'a Value, member: &str) -> &'a str {
    offer[member].as_str().unwrap_or_default()
}
