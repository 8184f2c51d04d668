//! `POST /api/v1/users/me/passkeys/begin`, `GET/POST /api/v1/users/me/passkeys`, `DELETE /api/v1/users/me/passkeys/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::{PasskeyId, Uuid};
use platform::Result;
use platform::http::call::{Action, Command, Reader};
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::idempotency::Answer;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view::{Passkey, PasskeyCeremony, PasskeyRegistered};
use crate::commands::passkeys as command;
use crate::context::Identity;
use crate::http::text;
use crate::store::passkeys;

/// Begins to register a passkey. Needs a recent proof of who you are (403 `reauthentication_required`), and a public
/// address with a name: 409 `passkeys_need_a_name` on an IP address.
#[utoipa::path(
    post, path = "/api/v1/users/me/passkeys/begin", operation_id = "begin_passkey", tag = "second factor",
    responses((status = 200, description = "What to ask the device.", body = PasskeyCeremony))
)]
pub(crate) async fn begin_passkey(State(identity): State<Identity>, request: Action) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    let context = identity.clone();
    request
        .call
        .run(identity.db(), move |tx| {
            let identity = context.clone();
            Box::pin(async move {
                let begun = command::begin(tx, &identity, user, session).await?;
                Answer::json(200, &PasskeyCeremony::from(begun))
            })
        })
        .await
}

/// The device's answer.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "ceremony": "dmp_0123456789abcdefghjkmnpqrstvwxyz", "name": "Ada's phone",
    "credential": { "id": "AAEC", "rawId": "AAEC", "type": "public-key", "response": {} }
}))]
pub(crate) struct NewPasskey {
    /// From the begin.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    ceremony: String,
    /// As you want to call it.
    #[garde(length(chars, min = 1, max = 100), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// `PublicKeyCredential.toJSON()` of what the device made.
    #[garde(skip)]
    #[schema(value_type = Object)]
    credential: Value,
}

/// Registers the passkey that the device made. It counts as a second factor, and opens a session alone as well. With the
/// first second factor come recovery codes, and every other session ends.
#[utoipa::path(
    post, path = "/api/v1/users/me/passkeys", operation_id = "register_passkey", tag = "second factor",
    request_body = NewPasskey,
    responses((status = 201, description = "The passkey.", body = PasskeyRegistered))
)]
pub(crate) async fn register_passkey(
    State(identity): State<Identity>,
    request: Command<NewPasskey>,
) -> Result<Answer> {
    let who = (request.principal.user()?, request.principal.session()?);
    let (context, body) = (identity.clone(), request.body);
    request
        .call
        .run(identity.db(), move |tx| {
            let (identity, body) = (context.clone(), body.clone());
            Box::pin(async move {
                let name = text::private(&body.name);
                let made =
                    command::register(tx, &identity, who, &body.ceremony, name, &body.credential).await?;
                let (passkey, codes) = made;
                let recovery_codes = codes.iter().map(|code| code.reveal().to_owned()).collect();
                Answer::json(201, &PasskeyRegistered { passkey: passkey.into(), recovery_codes })
            })
        })
        .await
}

/// Lists the caller's passkeys, oldest first.
#[utoipa::path(
    get, path = "/api/v1/users/me/passkeys", operation_id = "list_passkeys", tag = "second factor", params(PageQuery),
    responses((status = 200, description = "A page of passkeys.", body = Page<Passkey>))
)]
pub(crate) async fn list_passkeys(
    State(identity): State<Identity>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Passkey>>> {
    let user = reader.principal.user()?;
    let after = page.cursor.as_ref().map(platform::http::pagination::Cursor::key::<Uuid>).transpose()?;
    let mut tx = identity.db().read(&reader.scope).await?;
    let rows = passkeys::list(&mut tx, identity.vault(), user, after, page.limit.fetch()).await?;
    let page = Page::cut(rows, page.limit, |passkey| passkey.id.uuid())?;
    Ok(Json(page.map(Passkey::from)))
}

/// Removes a passkey. Needs a recent proof of who you are (403 `reauthentication_required`); 409
/// `second_factor_required` where an organisation asks for one and this is the last.
#[utoipa::path(
    delete, path = "/api/v1/users/me/passkeys/{id}", operation_id = "remove_passkey", tag = "second factor",
    params(("id" = String, Path, description = "The passkey.", pattern = "^passkey_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "passkey_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It opens nothing any more."))
)]
pub(crate) async fn remove_passkey(
    State(identity): State<Identity>,
    Path(id): Path<PasskeyId>,
    request: Action,
) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    request
        .call
        .run(identity.db(), move |tx| {
            Box::pin(async move {
                command::remove(tx, user, session, id).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
