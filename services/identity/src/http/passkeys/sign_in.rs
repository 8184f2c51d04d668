//! `POST /api/v1/auth/login/passkey/begin`, `POST /api/v1/auth/login/passkey`

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrgId;
use platform::Result;
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view::PasskeyCeremony;
use crate::commands::passkey_sign_in as command;
use crate::context::Identity;
use crate::http::auth::view::{ClientKind, Tokens, answer};
use crate::http::browser::Sender;

/// For whom to ask.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct BeginPasskeySignIn {
    /// From the first step, where this is the second one. Without it the device says who its owner is.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200)]
    challenge: Option<String>,
}

/// Begins to sign in with a passkey: nothing needs to be typed. 409 `passkeys_need_a_name` on an IP address.
#[utoipa::path(
    post, path = "/api/v1/auth/login/passkey/begin", operation_id = "begin_passkey_sign_in", tag = "authentication",
    request_body = BeginPasskeySignIn,
    responses((status = 200, description = "What to ask the device.", body = PasskeyCeremony))
)]
pub(crate) async fn begin_passkey_sign_in(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<BeginPasskeySignIn>,
) -> Result<Answer> {
    let challenge = request.body.challenge.as_deref();
    let begun = command::begin(&identity, &request.call.scope, challenge, &sender.source).await?;
    Answer::json(200, &PasskeyCeremony::from(begun))
}

/// The device's answer.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "ceremony": "dmp_0123456789abcdefghjkmnpqrstvwxyz",
    "credential": { "id": "AAEC", "rawId": "AAEC", "type": "public-key", "response": {} }
}))]
pub(crate) struct PasskeySignIn {
    /// From the begin.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    ceremony: String,
    /// `PublicKeyCredential.toJSON()` of the device's answer.
    #[garde(skip)]
    #[schema(value_type = Object)]
    credential: Value,
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

/// Signs in with the answer of a device. The device has verified its owner, so one step is enough.
///
/// 401 `passkey_refused` for an answer that fits no account here, 401 `ceremony_expired` for one that comes late or twice.
#[utoipa::path(
    post, path = "/api/v1/auth/login/passkey", operation_id = "sign_in_passkey", tag = "authentication",
    request_body = PasskeySignIn,
    responses((status = 200, description = "Signed in.", body = Tokens))
)]
pub(crate) async fn sign_in_passkey(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<PasskeySignIn>,
) -> Result<Answer> {
    let (scope, body) = (&request.call.scope, request.body);
    let client = body.client.of(&sender);
    let given =
        command::Answer { ceremony: body.ceremony, credential: body.credential, org: body.organization_id };
    let issued = command::finish(&identity, scope, given, client, &sender.source).await?;
    answer(&identity, 200, issued)
}
