//! `POST /api/v1/auth/reauthenticate`

use axum::extract::State;
use garde::Validate;
use platform::http::call::Command;
use platform::idempotency::Answer;
use platform::vault::Private;
use platform::{Error, Kind, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::commands::reauthenticate::{self as command, Proof};
use crate::commands::second_factor::{Code, wrong_code};
use crate::context::Identity;
use crate::http::browser::Sender;
use crate::http::text;

/// One proof: the present password, the present PIN, or a code.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "password": "correct horse battery" }))]
pub(crate) struct Reauthenticate {
    /// The present password.
    #[garde(inner(length(chars, min = 1, max = 1024)))]
    #[schema(min_length = 1, max_length = 1024)]
    password: Option<String>,
    /// The present PIN.
    #[garde(inner(pattern(text::PIN)))]
    #[schema(pattern = r"^[0-9]{6,12}$")]
    pin: Option<String>,
    /// The six digits of the app, or a recovery code.
    #[garde(inner(pattern(text::CODE)))]
    #[schema(pattern = "^[0-9A-Za-z -]{6,20}$")]
    code: Option<String>,
}

impl Reauthenticate {
    fn proof(self) -> Result<Proof> {
        match (self.password, self.pin, self.code) {
            (Some(password), None, None) => Ok(Proof::Password(Private::from(password))),
            (None, Some(pin), None) => Ok(Proof::Pin(Private::from(pin))),
            (None, None, Some(code)) => {
                Code::read(&code).map(Proof::Code).ok_or_else(|| wrong_code(Kind::Forbidden))
            }
            _ => Err(Error::invalid_field("", "one of password, pin and code")),
        }
    }
}

/// Proves again who you are, for the ten minutes in which a second factor can be set up or removed.
#[utoipa::path(
    post, path = "/api/v1/auth/reauthenticate", operation_id = "reauthenticate", tag = "second factor",
    request_body = Reauthenticate,
    responses((status = 204, description = "It is you."))
)]
pub(crate) async fn reauthenticate(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<Reauthenticate>,
) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    let proof = request.body.proof()?;
    command::reauthenticate(&identity, &request.call.scope, user, session, proof, &sender.source).await?;
    Ok(Answer::empty(204))
}
