//! `POST /api/v1/order-imports/{id}/confirm`, `/undo`

use axum::extract::State;
use garde::Validate;
use kernel::ids::ImportId;
use platform::Result;
use platform::http::Path;
use platform::http::call::{Action, Command};
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::OrderImportView;
use crate::commands::imports::{confirm, undo};
use crate::context::Orders;
use crate::entities::import::Import;

/// How an import is confirmed.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "only_if_all_valid": false }))]
pub(crate) struct OrderImportConfirmation {
    /// Refuse when a row is wrong (409 `import_invalid`); false leaves wrong rows out.
    #[garde(skip)]
    #[serde(default = "yes")]
    only_if_all_valid: bool,
}

fn yes() -> bool {
    true
}

fn answer(import: &Import) -> Result<Answer> {
    Ok(Answer::json(202, &OrderImportView::from(import))?.versioned(import.version))
}

/// Makes the orders of an import, in the background: each valid row has one. Confirmed once more it answers how it stands;
/// one that is being undone is 409 `import_state`.
#[utoipa::path(
    post, path = "/api/v1/order-imports/{id}/confirm", operation_id = "confirm_order_import", tag = "order-imports",
    params(("id" = String, Path, description = "The import.", pattern = "^import_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "import_01h455vb4pex5vsknk084sn02q")),
    request_body = OrderImportConfirmation,
    responses((status = 202, description = "How it stands.", body = OrderImportView))
)]
pub(crate) async fn confirm_order_import(
    State(context): State<Orders>,
    Path(id): Path<ImportId>,
    request: Command<OrderImportConfirmation>,
) -> Result<Answer> {
    let only_if_all_valid = request.body.only_if_all_valid;
    let run = request.call.run(context.db(), move |tx| {
        Box::pin(async move { answer(&confirm(tx, id, only_if_all_valid).await?) })
    });
    run.await
}

/// Calls off the orders of an import, in the background: those that are `created` or `assigned`. The others stay, and their
/// rows say why. Undone once more it answers how it stands; one that is not done yet is 409 `import_state`.
#[utoipa::path(
    post, path = "/api/v1/order-imports/{id}/undo", operation_id = "undo_order_import", tag = "order-imports",
    params(("id" = String, Path, description = "The import.", pattern = "^import_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "import_01h455vb4pex5vsknk084sn02q")),
    responses((status = 202, description = "How it stands.", body = OrderImportView))
)]
pub(crate) async fn undo_order_import(
    State(context): State<Orders>,
    Path(id): Path<ImportId>,
    request: Action,
) -> Result<Answer> {
    let run = request.call.run(context.db(), move |tx| Box::pin(async move { answer(&undo(tx, id).await?) }));
    run.await
}
