//! `POST /api/v1/track/{code}/confirm`

use axum::extract::State;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Path;
use platform::http::call::Action;
use platform::idempotency::Answer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::commands::ratings as command;
use crate::context::Tracking;

/// That the customer has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReceiptConfirmed {
    /// Since when.
    #[schema(example = "2026-11-20T12:45:00Z")]
    confirmed_at: Timestamp,
}

/// The customer confirms the receipt. Saying so again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/track/{code}/confirm", operation_id = "confirm_receipt", tag = "tracking",
    params(("code" = String, Path, description = "The code of the page.", pattern = "^[0-9A-Za-z]{4,32}$",
            example = "7KQ2M9XTB4HP")),
    responses((status = 200, description = "It is confirmed.", body = ReceiptConfirmed))
)]
pub(crate) async fn confirm_receipt(
    State(tracking): State<Tracking>,
    Path(code): Path<String>,
    request: Action,
) -> Result<Answer> {
    request
        .call
        .run(tracking.db(), move |tx| {
            let code = code.clone();
            Box::pin(async move {
                let confirmed_at = command::confirm(tx, &code).await?;
                Answer::json(200, &ReceiptConfirmed { confirmed_at })
            })
        })
        .await
}
