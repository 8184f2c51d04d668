//! `POST /api/v1/auth/invitations/look-up` and `/accept`

use axum::extract::State;
use garde::Validate;
use platform::http::Json;
use platform::http::call::Command;
use platform::idempotency::Answer;
use platform::vault::Private;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::{ClientKind, Tokens, answer};
use crate::commands::accept_invitation::{self as command, Acceptance, SignInWith};
use crate::commands::first_run::expired;
use crate::commands::second_factor::Code;
use crate::context::Identity;
use crate::domain::contact::{Email, Phone};
use crate::http::browser::Sender;
use crate::http::text;

/// The secret of an invitation.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "dmi_0123456789abcdefghjkmnpqrstvwxyz" }))]
pub(crate) struct InvitationToken {
    /// From the link.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    token: String,
}

/// What an invitation is for.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({ "organization": "Ada's Bakery", "role": "driver" }))]
pub(crate) struct InvitationOffer {
    /// Who invites.
    organization: String,
    /// As what.
    role: &'static str,
}

/// Says what an invitation is for. A POST, so that the secret stands in no log of addresses.
#[utoipa::path(
    post, path = "/api/v1/auth/invitations/look-up", operation_id = "look_up_invitation", tag = "authentication",
    request_body = InvitationToken,
    responses((status = 200, description = "It can be accepted.", body = InvitationOffer))
)]
pub(crate) async fn look_up_invitation(
    State(identity): State<Identity>,
    request: Command<InvitationToken>,
) -> Result<Json<InvitationOffer>> {
    let (organization, role) = command::look(&identity, &request.body.token).await?.ok_or_else(expired)?;
    Ok(Json(InvitationOffer { organization: organization.name, role: role.as_str() }))
}

/// Who accepts, and with what they will sign in: an address with a password, or a number with a PIN.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "dmi_0123456789abcdefghjkmnpqrstvwxyz", "name": "Grace Hopper", "phone": "+4930901820", "pin": "493827"
}))]
pub(crate) struct AcceptInvitation {
    /// From the link.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    token: String,
    /// As the person wants to be called.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// Address to sign in with.
    #[garde(inner(pattern(text::EMAIL)))]
    #[schema(pattern = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$")]
    email: Option<String>,
    /// Password that belongs to the address.
    #[garde(inner(length(chars, min = 10, max = 1024)))]
    #[schema(min_length = 10, max_length = 1024)]
    password: Option<String>,
    /// Number in E.164 to sign in with.
    #[garde(inner(pattern(text::PHONE)))]
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$")]
    phone: Option<String>,
    /// PIN that belongs to the number.
    #[garde(inner(pattern(text::PIN)))]
    #[schema(pattern = r"^[0-9]{6,12}$")]
    pin: Option<String>,
    /// From who has an account with a second factor: the six digits of the app, or a recovery code.
    #[garde(inner(pattern(text::CODE)))]
    #[schema(pattern = "^[0-9A-Za-z -]{6,20}$")]
    code: Option<String>,
    /// Where the refresh token is kept.
    #[garde(skip)]
    #[serde(default)]
    #[schema(inline)]
    client: ClientKind,
}

impl AcceptInvitation {
    fn with(&self) -> Result<SignInWith> {
        match (&self.email, &self.password, &self.phone, &self.pin) {
            (Some(email), Some(password), None, None) => {
                Ok(SignInWith::Email(Email::parse(email)?, Private::new(password.as_str())))
            }
            (None, None, Some(phone), Some(pin)) => {
                Ok(SignInWith::Phone(Phone::parse(phone)?, Private::new(pin.as_str())))
            }
            _ => Err(Error::invalid_field("", "either email and password, or phone and pin")),
        }
    }
}

/// Accepts an invitation and signs in.
///
/// Who has an account already gives its present password or PIN and becomes a member of one more organisation; where the
/// account has a second factor, 401 `second_factor_required` asks for `code` as well.
#[utoipa::path(
    post, path = "/api/v1/auth/invitations/accept", operation_id = "accept_invitation", tag = "authentication",
    request_body = AcceptInvitation,
    responses((status = 201, description = "A member now, and signed in.", body = Tokens))
)]
pub(crate) async fn accept_invitation(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<AcceptInvitation>,
) -> Result<Answer> {
    let body = request.body;
    let (with, client) = (body.with()?, body.client.of(&sender));
    let code = body.code.as_deref().and_then(Code::read);
    let input = Acceptance { token: body.token, name: text::private(&body.name), with, code };
    let issued = command::accept(&identity, &request.call.scope, input, client, &sender.source).await?;
    answer(&identity, 201, issued)
}
