//! `POST /api/v1/auth/password/forgot`, `/auth/password/reset`, `PUT /api/v1/users/me/password`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::call::Command;
use platform::idempotency::Answer;
use platform::vault::Private;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::commands::{change_password as change, password_reset as reset};
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::http::browser::Sender;
use crate::http::text;

/// Whose password was forgotten.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.org" }))]
pub(crate) struct ForgotPassword {
    /// The account's address.
    #[garde(pattern(text::EMAIL))]
    #[schema(pattern = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$")]
    email: String,
}

/// Sends a link to set a new password, if there is such an account. The answer is the same either way.
#[utoipa::path(
    post, path = "/api/v1/auth/password/forgot", operation_id = "forgot_password", tag = "authentication",
    request_body = ForgotPassword,
    responses((status = 204, description = "If there is such an account, a message is on its way."))
)]
pub(crate) async fn forgot_password(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<ForgotPassword>,
) -> Result<Answer> {
    let email = Email::parse(&request.body.email)?;
    reset::forgot(&identity, &request.call.scope, &email, &sender.source).await?;
    Ok(Answer::empty(204))
}

/// A new password by link.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "dml_0123456789abcdefghjkmnpqrstvwxyz", "password": "correct horse battery" }))]
pub(crate) struct ResetPassword {
    /// From the link.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    token: String,
    /// The new password.
    #[garde(length(chars, min = 10, max = 1024))]
    #[schema(min_length = 10, max_length = 1024)]
    password: String,
}

/// Sets a new password with a link. Every session of the account ends.
#[utoipa::path(
    post, path = "/api/v1/auth/password/reset", operation_id = "reset_password", tag = "authentication",
    request_body = ResetPassword,
    responses((status = 204, description = "The new password holds."))
)]
pub(crate) async fn reset_password(
    State(identity): State<Identity>,
    request: Command<ResetPassword>,
) -> Result<Answer> {
    let body = request.body;
    reset::reset(&identity, &request.call.scope, &body.token, Private::from(body.password)).await?;
    Ok(Answer::empty(204))
}

/// A new password for who knows the present one.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "current_password": "correct horse battery", "password": "staple horse battery" }))]
pub(crate) struct ChangePassword {
    /// The present password.
    #[garde(length(chars, min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    current_password: String,
    /// The new password.
    #[garde(length(chars, min = 10, max = 1024))]
    #[schema(min_length = 10, max_length = 1024)]
    password: String,
}

/// Changes the caller's password. Every other session ends.
#[utoipa::path(
    put, path = "/api/v1/users/me/password", operation_id = "change_password", tag = "users",
    request_body = ChangePassword,
    responses((status = 204, description = "The new password holds."))
)]
pub(crate) async fn change_password(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<ChangePassword>,
) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    let (current, new) = (Private::from(request.body.current_password), Private::from(request.body.password));
    change::change_password(&identity, &request.call.scope, user, session, current, new, &sender.source)
        .await?;
    Ok(Answer::empty(204))
}
