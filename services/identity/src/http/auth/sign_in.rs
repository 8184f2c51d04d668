//! `POST /api/v1/auth/login`

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrgId;
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::vault::Private;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::{ClientKind, Tokens, answer};
use crate::commands::second_factor::Code;
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
/// Whatever is wrong, the answer is the same 401. Five tries a minute per account, twenty per address. Where the account
/// has a second factor, the right password is answered with 401 `second_factor_required` and a `challenge`, for
/// `POST /api/v1/auth/login/second-factor`.
#[utoipa::path(
    post, path = "/api/v1/auth/login", operation_id = "sign_in", tag = "authentication",
    request_body = SignIn,
    responses(
        (status = 200, description = "Signed in.", body = Tokens),
        (status = 401, description = "Wrong credentials, or a second factor is needed as well.",
         body = SecondFactorRequired, content_type = "application/problem+json"),
    )
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

/// The problem that carries the challenge, where `code` is `second_factor_required`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SecondFactorRequired {
    /// `second_factor_required`, or `wrong_credentials` without the members below.
    #[schema(example = "second_factor_required")]
    code: String,
    /// For the second step; it works once, for five minutes.
    #[schema(example = "dmc_0123456789abcdefghjkmnpqrstvwxyz")]
    challenge: Option<String>,
    /// With what the second step can be done: `totp`, `recovery_code`; more may come.
    #[schema(example = json!(["totp", "recovery_code"]))]
    methods: Option<Vec<String>>,
    /// Seconds until the challenge expires.
    #[schema(example = 300)]
    expires_in: Option<i64>,
}

/// The second step of signing in.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "challenge": "dmc_0123456789abcdefghjkmnpqrstvwxyz", "code": "123456" }))]
pub(crate) struct SecondStep {
    /// From the first step.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    challenge: String,
    /// The six digits of the app, or a recovery code.
    #[garde(pattern(text::CODE))]
    #[schema(pattern = "^[0-9A-Za-z -]{6,20}$")]
    code: String,
    /// Where the refresh token is kept.
    #[garde(skip)]
    #[serde(default)]
    #[schema(inline)]
    client: ClientKind,
}

/// Signs in with the challenge of the first step and a code.
///
/// A code works once. Five tries a minute per account and ten in half an hour; 401 `wrong_code` leaves the challenge, 401
/// `challenge_expired` means to start again.
#[utoipa::path(
    post, path = "/api/v1/auth/login/second-factor", operation_id = "sign_in_second_factor", tag = "authentication",
    request_body = SecondStep,
    responses((status = 200, description = "Signed in.", body = Tokens))
)]
pub(crate) async fn sign_in_second_factor(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<SecondStep>,
) -> Result<Answer> {
    let (scope, body) = (&request.call.scope, request.body);
    let (code, client) = (Code::read(&body.code), body.client.of(&sender));
    let issued =
        command::second_step(&identity, scope, &body.challenge, code, client, &sender.source).await?;
    answer(&identity, 200, issued)
}
