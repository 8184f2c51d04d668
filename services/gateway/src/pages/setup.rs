//! `GET/POST /setup/{token}`: the page behind the owner link.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{Method, StatusCode};
use platform::Result;
use platform::http::Path;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Refusal, expired, html};
use crate::call::Visitor;
use crate::http::Shared;

/// What the form sends.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetupForm {
    /// Name of the business.
    organization: String,
    /// IANA time zone.
    time_zone: String,
    /// ISO 4217.
    currency: String,
    /// The owner's name.
    name: String,
    /// The owner's address.
    email: String,
    /// The owner's password.
    password: String,
}

#[derive(Template)]
#[template(path = "pages/setup.html")]
struct Page<'a> {
    form: &'a SetupForm,
    refusal: &'a Refusal,
    zones: &'a [String],
    currencies: &'static [&'static str],
}

/// The currencies that the form offers; every other can be set later through the API.
const CURRENCIES: &[&str] = &[
    "EUR", "USD", "GBP", "CNY", "JPY", "INR", "BRL", "MXN", "CAD", "AUD", "NZD", "CHF", "SEK", "NOK", "DKK",
    "PLN", "CZK", "HUF", "RON", "TRY", "UAH", "ZAR", "NGN", "KES", "EGP", "AED", "SAR", "ILS", "SGD", "HKD",
    "TWD", "KRW", "THB", "VND", "IDR", "MYR", "PHP", "ARS", "CLP", "COP", "PEN",
];

fn page(shared: &Shared, status: StatusCode, form: &SetupForm, refusal: &Refusal) -> Result<Response> {
    html(status, &Page { form, refusal, zones: &shared.zones, currencies: CURRENCIES })
}

/// The form that creates the first organisation and its owner.
#[utoipa::path(
    get, path = "/setup/{token}", operation_id = "get_setup_page", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dml_0123456789abcdefghjkmnpqrstvwxyz")),
    responses((status = 200, description = "The form.", body = String, content_type = "text/html"))
)]
pub(crate) async fn setup_page(
    State(shared): State<Shared>,
    Path(token): Path<String>,
    visitor: Visitor,
) -> Result<Response> {
    let target = format!("/api/v1/auth/first-run?token={}", path_safe(&token));
    let answer = visitor.call(Method::GET, &target, None).await?;
    if answer.body["works"] != true {
        return expired();
    }
    let form =
        SetupForm { time_zone: shared.zone.clone(), currency: "EUR".to_owned(), ..SetupForm::default() };
    page(&shared, StatusCode::OK, &form, &Refusal::default())
}

/// Creates them.
#[utoipa::path(
    post, path = "/setup/{token}", operation_id = "submit_setup", tag = "pages",
    params(("token" = String, Path, description = "The secret of the link.", example = "dml_0123456789abcdefghjkmnpqrstvwxyz")),
    request_body(content = SetupForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done; the owner is signed in."))
)]
pub(crate) async fn submit_setup(
    State(shared): State<Shared>,
    Path(token): Path<String>,
    visitor: Visitor,
    form: Result<Form<SetupForm>, FormRejection>,
) -> Result<Response> {
    let Ok(Form(form)) = form else {
        let refusal = Refusal { message: "The form was not complete.".to_owned(), fields: Vec::new() };
        return page(&shared, StatusCode::UNPROCESSABLE_ENTITY, &SetupForm::default(), &refusal);
    };
    let body = json!({
        "token": token, "organization": form.organization, "time_zone": form.time_zone, "currency": form.currency,
        "name": form.name, "email": form.email, "password": form.password, "client": "browser",
    });
    let answer = visitor.call(Method::POST, "/api/v1/auth/first-run", Some(&body)).await?;
    match answer.status {
        StatusCode::CREATED => {
            let mut response = Redirect::to("/live").into_response();
            answer.pass_cookie(&mut response);
            Ok(response)
        }
        StatusCode::NOT_FOUND => expired(),
        status => page(&shared, status, &form, &Refusal::read(&answer.body)),
    }
}

/// A secret as it may stand in a query: anything else than letters, digits and `_` cannot be one anyway.
pub(super) fn path_safe(token: &str) -> String {
    token.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(64).collect()
}
