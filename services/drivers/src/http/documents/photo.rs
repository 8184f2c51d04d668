//! `GET/PUT/DELETE /api/v1/drivers/{id}/documents/{document}/photo`

use axum::extract::State;
use kernel::ids::{DocumentId, DriverId, FileId};
use platform::Result;
use platform::auth::Principal;
use platform::files::New;
use platform::http::call::{Action, Reader};
use platform::http::upload::Upload;
use platform::http::{Json, Path};
use platform::idempotency::{Answer, Call};
use platform::vault::Subject;

use super::FIT;
use super::view::{DriverDocumentPhotoLink, DriverDocumentView};
use crate::commands::documents as command;
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::http::run;
use crate::queries::documents as read;

/// A link to the photo of a document. Drivers see their own.
#[utoipa::path(
    get, path = "/api/v1/drivers/{id}/documents/{document}/photo", operation_id = "get_driver_document_photo",
    tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"),
           ("document" = String, Path, description = "The document.", pattern = "^document_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "document_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "Where it is.", body = DriverDocumentPhotoLink))
)]
pub(crate) async fn get_driver_document_photo(
    State(drivers): State<Drivers>,
    Path((driver, id)): Path<(DriverId, DocumentId)>,
    reader: Reader,
) -> Result<Json<DriverDocumentPhotoLink>> {
    let url = read::photo(&drivers, &reader.principal, &reader.scope, driver, id).await?;
    Ok(Json(DriverDocumentPhotoLink { url }))
}

/// Shows this photo of a document; drivers do so for their own. Everything but the pixels is left out: place, camera, date.
#[utoipa::path(
    put, path = "/api/v1/drivers/{id}/documents/{document}/photo", operation_id = "put_driver_document_photo",
    tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"),
           ("document" = String, Path, description = "The document.", pattern = "^document_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "document_01h455vb4pex5vsknk084sn02q")),
    request_body(description = "The picture: JPEG, PNG or WebP, at most 32 million pixels.",
                 content(("image/jpeg"), ("image/png"), ("image/webp"))),
    responses((status = 200, description = "The document as it is now.", body = DriverDocumentView))
)]
pub(crate) async fn put_driver_document_photo(
    State(drivers): State<Drivers>,
    Path((driver, id)): Path<(DriverId, DocumentId)>,
    request: Upload,
) -> Result<Answer> {
    let scope = &request.call.scope;
    // Before the work: what is not there, or not the caller's, is not decoded.
    read::one(&drivers, &request.principal, scope, driver, id).await?;
    let content = drivers.files().image(request.body, FIT).await?;
    let subject = request.principal.org.map(|org| Subject::of_org(org, driver));
    let file =
        drivers.files().upload(drivers.db(), scope, New { purpose: "document", content, subject }).await?;
    show(&drivers, request.call, request.principal, (driver, id), Some(file)).await
}

/// Takes the photo of a document back.
#[utoipa::path(
    delete, path = "/api/v1/drivers/{id}/documents/{document}/photo", operation_id = "delete_driver_document_photo",
    tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"),
           ("document" = String, Path, description = "The document.", pattern = "^document_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "document_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "The document as it is now.", body = DriverDocumentView))
)]
pub(crate) async fn delete_driver_document_photo(
    State(drivers): State<Drivers>,
    Path(ids): Path<(DriverId, DocumentId)>,
    request: Action,
) -> Result<Answer> {
    show(&drivers, request.call, request.principal, ids, None).await
}

async fn show(
    drivers: &Drivers,
    call: Call,
    principal: Principal,
    ids: (DriverId, DocumentId),
    photo: Option<FileId>,
) -> Result<Answer> {
    let (context, action) = (drivers.clone(), call.operation);
    run(drivers, call, move |tx| {
        let (context, principal) = (context.clone(), principal.clone());
        Box::pin(async move {
            let document = command::set_photo(tx, &context, &principal, ids, photo, action).await?;
            let version = document.version;
            let view = DriverDocumentView::new(document, day(tx.now()));
            Ok(Answer::json(200, &view)?.versioned(version))
        })
    })
    .await
}
