//! `GET/PATCH /api/v1/users/me`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use platform::Result;
use platform::http::Json;
use platform::http::call::{Command, Reader};
use platform::http::etag::{IfMatch, IfNoneMatch, Versioned};
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::User;
use crate::commands::update_me as command;
use crate::context::Identity;
use crate::http::text;
use crate::queries::members;
use crate::store::users::Change;

/// Reads the caller's own account.
#[utoipa::path(
    get, path = "/api/v1/users/me", operation_id = "get_me", tag = "users",
    params(("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The caller; the version is in `ETag`.", body = User))
)]
pub(crate) async fn get_me(
    State(identity): State<Identity>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let id = reader.principal.user()?;
    let user = members::user(&identity, &reader.principal, &reader.scope, id).await?;
    let version = user.version;
    Ok(known.respond(version, || Versioned(version, Json(User::from(user))).into_response()))
}

/// What changes; what is absent stays. Nothing here can be cleared, so `null` is refused. The address has an
/// operation of its own; a number is proved by accepting an invitation with it, and cannot be changed.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada King" }))]
pub(crate) struct MyChange {
    /// As you want to be called.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        nullable = false
    )]
    name: Option<String>,
}

/// Changes the caller's own account, if the caller has seen its present version.
#[utoipa::path(
    patch, path = "/api/v1/users/me", operation_id = "update_me", tag = "users",
    params(("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = MyChange,
    responses((status = 200, description = "As it is now.", body = User))
)]
pub(crate) async fn update_me(
    State(identity): State<Identity>,
    seen: IfMatch,
    request: Command<MyChange>,
) -> Result<Answer> {
    let id = request.principal.user()?;
    let change = Change { name: request.body.name.as_deref().map(text::private), ..Change::default() };
    let context = identity.clone();
    request
        .call
        .run(identity.db(), move |tx| {
            let (identity, change, seen) = (context.clone(), change.clone(), seen.clone());
            Box::pin(async move {
                let user =
                    command::update_me(tx, &identity, id, change, move |version| seen.check(version)).await?;
                let version = user.version;
                Ok(Answer::json(200, &User::from(user))?.versioned(version))
            })
        })
        .await
}
