//! `GET/POST /api/v1/auth/first-run`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::call::Command;
use platform::http::{Json, Query};
use platform::idempotency::Answer;
use platform::vault::Private;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::{ClientKind, Tokens, answer};
use crate::commands::first_run as command;
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::http::browser::Sender;
use crate::http::text;
use crate::store::organizations::Details;

/// The link that was printed.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinkQuery {
    /// The secret of the link.
    #[garde(length(chars, min = 1, max = 200))]
    #[param(min_length = 1, max_length = 200, example = "dml_0123456789abcdefghjkmnpqrstvwxyz")]
    token: String,
}

/// Whether a link works.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LinkState {
    /// False when it has expired, was used, or never was.
    #[schema(example = true)]
    works: bool,
}

/// Whether an owner link still works.
#[utoipa::path(
    get, path = "/api/v1/auth/first-run", operation_id = "get_first_run", tag = "authentication", params(LinkQuery),
    responses((status = 200, description = "Whether it works.", body = LinkState))
)]
pub(crate) async fn get_first_run(
    State(identity): State<Identity>,
    Query(query): Query<LinkQuery>,
) -> Result<Json<LinkState>> {
    Ok(Json(LinkState { works: command::link_works(&identity, &query.token).await? }))
}

/// The first organisation and its owner.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "dml_0123456789abcdefghjkmnpqrstvwxyz", "organization": "Ada's Bakery", "time_zone": "Europe/Berlin",
    "currency": "EUR", "name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"
}))]
pub(crate) struct FirstRun {
    /// The secret of the link.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    token: String,
    /// Name of the business.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    organization: String,
    /// IANA time zone.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    time_zone: String,
    /// ISO 4217.
    #[garde(pattern("^[A-Z]{3}$"))]
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// The owner's name.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// The owner's address.
    #[garde(pattern(text::EMAIL))]
    #[schema(pattern = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$")]
    email: String,
    /// The owner's password.
    #[garde(length(chars, min = 10, max = 1024))]
    #[schema(min_length = 10, max_length = 1024)]
    password: String,
    /// Where the refresh token is kept.
    #[garde(skip)]
    #[serde(default)]
    #[schema(inline)]
    client: ClientKind,
}

/// Creates the first organisation and its owner with the link that was printed at start.
#[utoipa::path(
    post, path = "/api/v1/auth/first-run", operation_id = "first_run", tag = "authentication",
    request_body = FirstRun,
    responses((status = 201, description = "The owner is signed in.", body = Tokens))
)]
pub(crate) async fn first_run(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<FirstRun>,
) -> Result<Answer> {
    let body = request.body;
    let client = body.client.of(&sender);
    let input = command::FirstRun {
        token: body.token,
        organization: Details {
            name: body.organization.trim().to_owned(),
            time_zone: body.time_zone,
            currency: body.currency,
        },
        name: text::private(&body.name),
        email: Email::parse(&body.email)?,
        password: Private::from(body.password),
    };
    let (_, issued) = command::first_run(&identity, &request.call.scope, input, client).await?;
    answer(&identity, 201, issued)
}
