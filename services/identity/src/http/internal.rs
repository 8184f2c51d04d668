//! Operations for other services of the installation: served in a process of their own, behind service tokens, and no part
//! of the public API.

use axum::body::Body;
use axum::extract::State;
use contracts::calls::{KnownKey, PresentedKey};
use platform::auth::{Role, Who};
use platform::http::Json;
use platform::http::extract::{BodyLimit, read};
use platform::http::openapi::{Api, ServiceApi};
use platform::permissions::{Permission, Tenant};
use platform::{Error, Kind, Result};
use utoipa_axum::routes;

use crate::commands::api_keys::exchange;
use crate::context::Identity;

/// Only services, and only in the name of the installation.
const PERMISSIONS: &[Permission] =
    &[Permission { operation: "exchange_key", roles: &[Role::Service], scope: None, tenant: Tenant::None }];

/// The longest body that makes sense here.
const LIMIT: BodyLimit = BodyLimit(4096);

/// The routes with their permission rows.
pub(crate) fn api(identity: &Identity) -> Result<ServiceApi> {
    Api::new(crate::NAME).routes(routes!(exchange_key)).with_state(identity.clone()).finish(PERMISSIONS)
}

/// Whose an API key or device key is.
#[utoipa::path(
    post, path = "/internal/identity/key-exchange", operation_id = "exchange_key", tag = "internal",
    request_body(content = serde_json::Value, description = "`contracts::calls::PresentedKey`"),
    responses((status = 200, description = "`contracts::calls::KnownKey`", body = serde_json::Value))
)]
async fn exchange_key(State(identity): State<Identity>, body: Body) -> Result<Json<KnownKey>> {
    let bytes = read(body, LIMIT).await?;
    // The library's message is not passed on: it could repeat the key.
    let malformed = |_secret| Error::new(Kind::Malformed, "malformed", "This is not a presented key.");
    let PresentedKey { key } = serde_json::from_slice(&bytes).map_err(malformed)?;
    let (principal, expires_at) = exchange(&identity, &key).await?;
    let Who::Key(id) = principal.who else { return Err(Error::internal("a key is a key")) };
    Ok(Json(KnownKey {
        id,
        device: principal.role == Role::Device,
        org: principal.org()?,
        scopes: principal.scopes,
        expires_at,
    }))
}
