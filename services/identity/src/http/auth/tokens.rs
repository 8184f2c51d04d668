//! `POST /api/v1/auth/token/refresh`, `/auth/logout`, `/auth/switch`

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrgId;
use platform::Result;
use platform::http::call::{Action, Command};
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{Tokens, answer};
use crate::commands::refresh::{self, refused};
use crate::commands::{end_sessions, switch};
use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};
use crate::http::browser::{self, Sender};

/// A refresh token; browsers leave it out and send their cookie.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "refresh_token": "dmr_0123456789abcdefghjkmnpqrstvwxyz" }))]
pub(crate) struct RefreshToken {
    /// The token of the last answer.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200)]
    refresh_token: Option<String>,
}

/// Exchanges a refresh token for new tokens.
///
/// A token works once. Within ten seconds the same client gets the same answer again (a lost answer); after that, and
/// from another client at once, using an old token ends the session.
#[utoipa::path(
    post, path = "/api/v1/auth/token/refresh", operation_id = "refresh_token", tag = "authentication",
    request_body = RefreshToken,
    responses((status = 200, description = "New tokens.", body = Tokens))
)]
pub(crate) async fn refresh_token(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<RefreshToken>,
) -> Result<Answer> {
    let token = match &request.body.refresh_token {
        Some(text) => Secret::presented(Purpose::Refresh, text),
        None => sender.cookie(&identity)?,
    };
    let token = token.ok_or_else(refused)?;
    let issued = refresh::refresh(&identity, &request.call.scope, &token, &sender.device).await?;
    answer(&identity, 200, issued)
}

/// Ends the caller's session.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", operation_id = "sign_out", tag = "authentication",
    responses((status = 204, description = "Signed out."))
)]
pub(crate) async fn sign_out(State(identity): State<Identity>, request: Action) -> Result<Answer> {
    let session = request.principal.session()?;
    end_sessions::sign_out(&identity, &request.call.scope, session).await?;
    Ok(Answer::empty(204).with_header("set-cookie", browser::clear(&identity)))
}

/// Where to go.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "organization_id": "org_01h455vb4pex5vsknk084sn02q" }))]
pub(crate) struct Switch {
    /// The organisation to enter; absent for the installation (operators).
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<OrgId>)]
    organization_id: Option<OrgId>,
}

/// Enters another organisation with the same session.
#[utoipa::path(
    post, path = "/api/v1/auth/switch", operation_id = "switch_organization", tag = "authentication",
    request_body = Switch,
    responses((status = 200, description = "A token for the other organisation.", body = Tokens))
)]
pub(crate) async fn switch_organization(
    State(identity): State<Identity>,
    request: Command<Switch>,
) -> Result<Answer> {
    let session = request.principal.session()?;
    let issued =
        switch::switch(&identity, &request.call.scope, session, request.body.organization_id).await?;
    answer(&identity, 200, issued)
}
