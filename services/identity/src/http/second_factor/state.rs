//! `GET /api/v1/users/me/second-factor`

use axum::extract::State;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Json;
use platform::http::call::Reader;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Identity;
use crate::queries::second_factor as query;

/// What is set up, and who asks for it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    /// Whether signing in takes a second step.
    #[schema(example = true)]
    enabled: bool,
    /// When the authenticator app was confirmed; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    totp_since: Option<Timestamp>,
    /// Recovery codes that still work, of ten.
    #[schema(example = 10)]
    recovery_codes_left: i64,
    /// Whether an organisation asks the caller for a second factor.
    #[schema(example = false)]
    required: bool,
}

/// Reads the state of the caller's second factor.
#[utoipa::path(
    get, path = "/api/v1/users/me/second-factor", operation_id = "get_second_factor", tag = "second factor",
    responses((status = 200, description = "What is set up.", body = SecondFactor))
)]
pub(crate) async fn get_second_factor(
    State(identity): State<Identity>,
    reader: Reader,
) -> Result<Json<SecondFactor>> {
    let user = reader.principal.user()?;
    let state = query::state(&identity, &reader.scope, user).await?;
    Ok(Json(SecondFactor {
        enabled: state.totp_since.is_some(),
        totp_since: state.totp_since,
        recovery_codes_left: state.recovery_codes_left,
        required: state.required,
    }))
}
