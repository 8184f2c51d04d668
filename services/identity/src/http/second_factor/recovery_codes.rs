//! `POST /api/v1/users/me/recovery-codes`

use axum::extract::State;
use platform::Result;
use platform::http::call::Action;
use platform::idempotency::Answer;
use platform::vault::Private;
use serde::Serialize;
use utoipa::ToSchema;

use crate::commands::totp as command;
use crate::context::Identity;

/// Codes for who has lost the second factor, shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Ten codes; each works once, in place of a code of the app. Older ones do not work any more.
    #[schema(example = json!(["0f3k9-7xw2m", "8hq4t-n1z6c"]))]
    recovery_codes: Vec<String>,
}

impl RecoveryCodes {
    /// To show.
    pub(super) fn of(codes: &[Private]) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.reveal().to_owned()).collect() }
    }
}

/// Makes new recovery codes in place of the old ones. Needs a recent proof of who you are (403
/// `reauthentication_required`).
#[utoipa::path(
    post, path = "/api/v1/users/me/recovery-codes", operation_id = "regenerate_recovery_codes", tag = "second factor",
    responses((status = 200, description = "The new codes.", body = RecoveryCodes))
)]
pub(crate) async fn regenerate_recovery_codes(
    State(identity): State<Identity>,
    request: Action,
) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    let context = identity.clone();
    request
        .call
        .run(identity.db(), move |tx| {
            let identity = context.clone();
            Box::pin(async move {
                let codes = command::regenerate(tx, &identity, user, session).await?;
                Answer::json(200, &RecoveryCodes::of(&codes))
            })
        })
        .await
}
