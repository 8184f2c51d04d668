//! `GET/POST /api/v1/api-keys`, `DELETE /api/v1/api-keys/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::{ApiKeyId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::{Action, Command, Reader};
use platform::http::openapi::{Api, type_id};
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::idempotency::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use utoipa_axum::routes;

use crate::commands::api_keys as command;
use crate::context::Identity;
use crate::entities;
use crate::http::text;
use crate::store::api_keys::{self, NewKey};

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(list_api_keys, create_api_key)).routes(routes!(revoke_api_key))
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyKind {
    /// An integration.
    Api,
    /// A device that may only report.
    Device,
}

/// A new key.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "api", "name": "Till", "scopes": ["organization:read"] }))]
pub(crate) struct NewApiKey {
    /// What it is for.
    #[garde(skip)]
    #[schema(inline)]
    kind: KeyKind,
    /// Name of the integration or device.
    #[garde(length(chars, min = 1, max = 100), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// What it may do.
    #[garde(length(min = 1, max = 20), inner(length(chars, min = 1, max = 64)))]
    #[schema(schema_with = scopes)]
    scopes: Vec<String>,
    /// When it stops working by itself.
    #[garde(skip)]
    #[schema(example = "2027-11-20T12:00:00Z")]
    expires_at: Option<Timestamp>,
}

fn scopes() -> Array {
    let scope =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(command::SCOPES.iter().copied()));
    let all = "What it may do. A device may only report.";
    ArrayBuilder::new().items(scope).min_items(Some(1)).max_items(Some(20)).description(Some(all)).build()
}

/// A key that works.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ApiKey {
    /// Identifier.
    #[schema(schema_with = type_id::<ApiKeyId>)]
    id: ApiKeyId,
    /// What it is for.
    #[schema(inline, example = "api")]
    kind: KeyKind,
    /// Name of the integration or device.
    #[schema(example = "Till")]
    name: String,
    /// Its first characters.
    #[schema(example = "dmk_0123")]
    hint: String,
    /// What it may do.
    #[schema(example = json!(["organization:read"]))]
    scopes: Vec<String>,
    /// When it was made.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it stops working by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-11-20T12:00:00Z")]
    expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    last_used_at: Option<Timestamp>,
}

impl From<entities::ApiKey> for ApiKey {
    fn from(key: entities::ApiKey) -> Self {
        Self {
            id: key.id,
            kind: if key.device { KeyKind::Device } else { KeyKind::Api },
            name: key.name,
            hint: key.hint,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// A new key with its text, shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ApiKeyCreated {
    /// The key.
    api_key: ApiKey,
    /// For the `Authorization: Bearer` header; it cannot be read again.
    #[schema(example = "dmk_0123456789abcdefghjkmnpqrstvwxyz")]
    secret: String,
}

/// Lists the keys that work, newest first.
#[utoipa::path(
    get, path = "/api/v1/api-keys", operation_id = "list_api_keys", tag = "keys", params(PageQuery),
    responses((status = 200, description = "A page of keys.", body = Page<ApiKey>))
)]
pub(crate) async fn list_api_keys(
    State(identity): State<Identity>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ApiKey>>> {
    let before = page.cursor.as_ref().map(platform::http::pagination::Cursor::key::<Uuid>).transpose()?;
    let mut tx = identity.db().read(&reader.scope).await?;
    let rows = api_keys::list(&mut tx, before, page.limit.fetch()).await?;
    let page = Page::cut(rows, page.limit, |key| key.id.uuid())?;
    Ok(Json(page.map(ApiKey::from)))
}

/// Creates a key for an integration or a device.
#[utoipa::path(
    post, path = "/api/v1/api-keys", operation_id = "create_api_key", tag = "keys",
    request_body = NewApiKey,
    responses((status = 201, description = "The key and its text.", body = ApiKeyCreated))
)]
pub(crate) async fn create_api_key(
    State(identity): State<Identity>,
    request: Command<NewApiKey>,
) -> Result<Answer> {
    let by = request.principal.user()?;
    let body = request.body;
    let new = NewKey {
        device: body.kind == KeyKind::Device,
        name: body.name.trim().to_owned(),
        scopes: body.scopes,
        expires_at: body.expires_at,
    };
    request
        .call
        .run(identity.db(), move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let (key, secret) = command::create(tx, by, new).await?;
                let location = format!("/api/v1/api-keys/{}", key.id);
                let body = ApiKeyCreated { api_key: key.into(), secret: secret.text().to_owned() };
                Ok(Answer::json(201, &body)?.with_header("location", location))
            })
        })
        .await
}

/// Takes a key back.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "keys",
    params(("id" = String, Path, description = "The key.", pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "key_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It does not work any more."))
)]
pub(crate) async fn revoke_api_key(
    State(identity): State<Identity>,
    Path(id): Path<ApiKeyId>,
    request: Action,
) -> Result<Answer> {
    let answer = request
        .call
        .run(identity.db(), move |tx| {
            Box::pin(async move {
                command::revoke(tx, id).await?;
                Ok(Answer::empty(204))
            })
        })
        .await?;
    identity.forget_keys();
    Ok(answer)
}
