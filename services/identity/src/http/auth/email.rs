//! `POST /api/v1/users/me/email`, `POST /api/v1/auth/email/confirm`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::call::Command;
use platform::idempotency::Answer;
use platform::vault::Private;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::commands::change_email as command;
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::http::browser::Sender;
use crate::http::text;

/// The new address.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.net", "password": "correct horse battery" }))]
pub(crate) struct ChangeEmail {
    /// To sign in with from its confirmation on.
    #[garde(pattern(text::EMAIL))]
    #[schema(pattern = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$")]
    email: String,
    /// The present password.
    #[garde(length(chars, min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    password: String,
}

/// Asks for another e-mail address; a link is sent there, and the account changes when it is followed.
#[utoipa::path(
    post, path = "/api/v1/users/me/email", operation_id = "change_email", tag = "users",
    request_body = ChangeEmail,
    responses((status = 204, description = "A message is on its way to the new address."))
)]
pub(crate) async fn change_email(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<ChangeEmail>,
) -> Result<Answer> {
    let (user, email) = (request.principal.user()?, Email::parse(&request.body.email)?);
    let password = Private::from(request.body.password);
    command::ask(&identity, &request.call.scope, user, email, password, &sender.source).await?;
    Ok(Answer::empty(204))
}

/// From the link.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "dml_0123456789abcdefghjkmnpqrstvwxyz" }))]
pub(crate) struct ConfirmEmail {
    /// From the link.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    token: String,
}

/// Confirms a new e-mail address.
#[utoipa::path(
    post, path = "/api/v1/auth/email/confirm", operation_id = "confirm_email", tag = "authentication",
    request_body = ConfirmEmail,
    responses((status = 204, description = "The new address holds."))
)]
pub(crate) async fn confirm_email(
    State(identity): State<Identity>,
    request: Command<ConfirmEmail>,
) -> Result<Answer> {
    command::confirm(&identity, &request.call.scope, &request.body.token).await?;
    Ok(Answer::empty(204))
}
