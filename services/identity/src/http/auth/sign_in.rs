//! `POST /api/v1/auth/login`

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrgId;
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::vault::Private;
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{ClientKind, Tokens, answer};
use crate::commands::sign_in::{self as command, Login};
use crate::context::Identity;
use crate::domain::contact::{Email, Phone};
use crate::http::browser::Sender;
use crate::http::text;

/// With what somebody signs in: an e-mail address with a password, or a phone number with a PIN.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.org", "password": "correct horse battery" }))]
pub(crate) struct SignIn {
    /// The account's address.
    #[garde(inner(pattern(text::EMAIL)))]
    #[schema(pattern = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$")]
    email: Option<String>,
    /// The password that belongs to the address.
    #[garde(inner(length(chars, min = 1, max = 1024)))]
    #[schema(min_length = 1, max_length = 1024)]
    password: Option<String>,
    /// The account's number in E.164.
    #[garde(inner(pattern(text::PHONE)))]
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$")]
    phone: Option<String>,
    /// The PIN that belongs to the number.
    #[garde(inner(pattern(text::PIN)))]
    #[schema(pattern = r"^[0-9]{6,12}$")]
    pin: Option<String>,
    /// Which organisation to enter; the first one that was joined when absent.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<OrgId>)]
    organization_id: Option<OrgId>,
    /// Where the refresh token is kept.
    #[garde(skip)]
    #[serde(default)]
    #[schema(inline)]
    client: ClientKind,
}

impl SignIn {
    fn login(&self) -> Result<Login> {
        match (&self.email, &self.password, &self.phone, &self.pin) {
            (Some(email), Some(password), None, None) => {
                Ok(Login::Email(Email::parse(email)?, Private::new(password.as_str())))
            }
            (None, None, Some(phone), Some(pin)) => {
                Ok(Login::Phone(Phone::parse(phone)?, Private::new(pin.as_str())))
            }
            _ => Err(Error::invalid_field("", "either email and password, or phone and pin")),
        }
    }
}

/// Signs in.
///
/// Whatever is wrong, the answer is the same 401. Five tries a minute per account, twenty per address.
#[utoipa::path(
    post, path = "/api/v1/auth/login", operation_id = "sign_in", tag = "authentication",
    request_body = SignIn,
    responses((status = 200, description = "Signed in.", body = Tokens))
)]
pub(crate) async fn sign_in(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<SignIn>,
) -> Result<Answer> {
    let (scope, body) = (&request.call.scope, request.body);
    let (login, client) = (body.login()?, body.client.of(&sender));
    let issued =
        command::sign_in(&identity, scope, login, body.organization_id, client, &sender.source).await?;
    answer(&identity, 200, issued)
}
