//! The keys that access tokens are signed with.

use axum::extract::State;
use platform::http::Json;
use serde_json::Value;

use super::Shared;

/// The public keys of access tokens, as a JSON Web Key Set.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "get_jwks", tag = "authentication",
    responses((
        status = 200, description = "Those that are valid now, and the next one.", body = Value,
        example = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "k1", "x": "11qY..."}]})
    ))
)]
pub(crate) async fn jwks(State(shared): State<Shared>) -> Json<Value> {
    Json(shared.keys.jwks())
}
