//! `POST /api/v1/auth/register`

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrgId;
use platform::Result;
use platform::http::call::Command;
use platform::http::openapi::type_id;
use platform::idempotency::Answer;
use platform::vault::Private;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{ClientKind, Tokens, answer};
use crate::commands::register::{self as command, Registration};
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::http::browser::Sender;
use crate::http::text;

/// A customer who wants an account.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "organization_id": "org_01h455vb4pex5vsknk084sn02q", "name": "Ada Lovelace",
    "email": "ada@example.org", "password": "correct horse battery"
}))]
pub(crate) struct Register {
    /// With which business.
    #[garde(skip)]
    #[schema(schema_with = type_id::<OrgId>)]
    organization_id: OrgId,
    /// As the person wants to be called.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// To sign in with.
    #[garde(pattern(text::EMAIL))]
    #[schema(pattern = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$")]
    email: String,
    /// To sign in with.
    #[garde(length(chars, min = 10, max = 1024))]
    #[schema(min_length = 10, max_length = 1024)]
    password: String,
    /// Where the refresh token is kept.
    #[garde(skip)]
    #[serde(default)]
    #[schema(inline)]
    client: ClientKind,
}

/// Registers a customer, where the installation allows it.
///
/// Closed by default: 403 `registration_closed`. Members and drivers are invited instead.
#[utoipa::path(
    post, path = "/api/v1/auth/register", operation_id = "register", tag = "authentication",
    request_body = Register,
    responses(
        (status = 201, description = "Registered and signed in.", body = Tokens),
        (status = 403, description = "Registration is closed."),
    )
)]
pub(crate) async fn register(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<Register>,
) -> Result<Answer> {
    let body = request.body;
    let client = body.client.of(&sender);
    let input = Registration {
        org: body.organization_id,
        name: text::private(&body.name),
        email: Email::parse(&body.email)?,
        password: Private::from(body.password),
    };
    let issued = command::register(&identity, &request.call.scope, input, client, &sender.source).await?;
    answer(&identity, 201, issued)
}
