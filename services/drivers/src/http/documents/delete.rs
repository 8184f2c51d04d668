//! `DELETE /api/v1/drivers/{id}/documents/{document}`

use axum::extract::State;
use kernel::ids::{DocumentId, DriverId};
use platform::Result;
use platform::http::Path;
use platform::http::call::Action;
use platform::idempotency::Answer;

use crate::commands::documents as command;
use crate::context::Drivers;
use crate::http::run;

/// Removes a document with its photo.
#[utoipa::path(
    delete, path = "/api/v1/drivers/{id}/documents/{document}", operation_id = "delete_driver_document", tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"),
           ("document" = String, Path, description = "The document.", pattern = "^document_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "document_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is not there any more."))
)]
pub(crate) async fn delete_driver_document(
    State(drivers): State<Drivers>,
    Path((driver, id)): Path<(DriverId, DocumentId)>,
    request: Action,
) -> Result<Answer> {
    let context = drivers.clone();
    run(&drivers, request.call, move |tx| {
        let context = context.clone();
        Box::pin(async move {
            command::delete(tx, &context, driver, id).await?;
            Ok(Answer::empty(204))
        })
    })
    .await
}
