//! `PATCH/DELETE /api/v1/members/{id}`, `POST /api/v1/members/{id}/sign-out`

use axum::extract::State;
use garde::Validate;
use kernel::ids::MembershipId;
use platform::Result;
use platform::http::Path;
use platform::http::call::{Action, Command};
use platform::http::etag::IfMatch;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{Member, MemberRole};
use crate::commands::{end_sessions, members as command};
use crate::context::Identity;
use crate::store::users;

/// What changes.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "dispatcher" }))]
pub(crate) struct MemberChange {
    /// The new role.
    #[garde(skip)]
    #[schema(inline)]
    role: MemberRole,
}

/// Gives a member another role. The member's sessions in this organisation end: their tokens name the old role.
#[utoipa::path(
    patch, path = "/api/v1/members/{id}", operation_id = "update_member", tag = "members",
    params(("id" = String, Path, description = "The membership.", pattern = "^member_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "member_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The version you have read.", example = "\"1\"")),
    request_body = MemberChange,
    responses((status = 200, description = "As it is now.", body = Member))
)]
pub(crate) async fn update_member(
    State(identity): State<Identity>,
    Path(id): Path<MembershipId>,
    seen: IfMatch,
    request: Command<MemberChange>,
) -> Result<Answer> {
    let (actor, role) = (request.principal.role, request.body.role.into());
    let context = identity.clone();
    request
        .call
        .run(identity.db(), move |tx| {
            let (seen, identity) = (seen.clone(), context.clone());
            Box::pin(async move {
                let (after, ended) =
                    command::set_role(tx, actor, id, role, move |version| seen.check(version)).await?;
                end_sessions::known(tx, &identity, &ended);
                let user = users::find(tx, identity.vault(), after.user_id).await?;
                let version = after.version;
                Ok(Answer::json(200, &Member::new(&after, user))?.versioned(version))
            })
        })
        .await
}

/// Ends a membership, and the member's sessions in this organisation.
#[utoipa::path(
    delete, path = "/api/v1/members/{id}", operation_id = "remove_member", tag = "members",
    params(("id" = String, Path, description = "The membership.", pattern = "^member_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "member_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "No member any more."))
)]
pub(crate) async fn remove_member(
    State(identity): State<Identity>,
    Path(id): Path<MembershipId>,
    request: Action,
) -> Result<Answer> {
    let (actor, context) = (request.principal.role, identity.clone());
    request
        .call
        .run(identity.db(), move |tx| {
            let identity = context.clone();
            Box::pin(async move {
                let ended = command::remove(tx, actor, id).await?;
                end_sessions::known(tx, &identity, &ended);
                Ok(Answer::empty(204))
            })
        })
        .await
}

/// Cuts a member off: ends all their sessions in this organisation, for example when a phone is lost.
///
/// The member may sign in again; who must not is removed.
#[utoipa::path(
    post, path = "/api/v1/members/{id}/sign-out", operation_id = "sign_out_member", tag = "members",
    params(("id" = String, Path, description = "The membership.", pattern = "^member_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "member_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "Their tokens are refused from now on."))
)]
pub(crate) async fn sign_out_member(
    State(identity): State<Identity>,
    Path(id): Path<MembershipId>,
    request: Action,
) -> Result<Answer> {
    let (actor, context) = (request.principal.role, identity.clone());
    request
        .call
        .run(identity.db(), move |tx| {
            let identity = context.clone();
            Box::pin(async move {
                let ended = end_sessions::cut_off(tx, actor, id).await?;
                end_sessions::known(tx, &identity, &ended);
                Ok(Answer::empty(204))
            })
        })
        .await
}
