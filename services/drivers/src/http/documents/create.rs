//! `POST /api/v1/drivers/{id}/documents`

use axum::extract::State;
use garde::Validate;
use jiff::civil::Date;
use kernel::ids::DriverId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{DriverDocumentKind, DriverDocumentView};
use crate::commands::documents as command;
use crate::context::Drivers;
use crate::domain::documents::{DocumentKind, day};
use crate::entities::DocumentDetails;
use crate::http::{run, text};

/// A document of a driver.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "driving_licence", "number": "A1234567", "expires_on": "2028-05-31", "required": true }))]
pub(crate) struct NewDriverDocument {
    /// What it is.
    #[garde(skip)]
    #[schema(value_type = DriverDocumentKind)]
    kind: DocumentKind,
    /// Its number.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    number: Option<String>,
    /// The last day on which it is good, in UTC; absent: for ever.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Date)]
    expires_on: Option<Date>,
    /// Whether the driver needs it to work.
    #[garde(skip)]
    required: bool,
}

/// Adds a document. A required one that has run out takes the driver off duty.
#[utoipa::path(
    post, path = "/api/v1/drivers/{id}/documents", operation_id = "create_driver_document", tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    request_body = NewDriverDocument,
    responses((status = 201, description = "Added.", body = DriverDocumentView))
)]
pub(crate) async fn create_driver_document(
    State(drivers): State<Drivers>,
    Path(id): Path<DriverId>,
    request: Command<NewDriverDocument>,
) -> Result<Answer> {
    let body = request.body;
    let details = DocumentDetails { kind: body.kind, expires_on: body.expires_on, required: body.required };
    let number = body.number.as_deref().map(text::private);
    let context = drivers.clone();
    run(&drivers, request.call, move |tx| {
        let (number, context) = (number.clone(), context.clone());
        Box::pin(async move {
            let document = command::create(tx, &context, id, details, number).await?;
            let version = document.version;
            let view = DriverDocumentView::new(document, day(tx.now()));
            Ok(Answer::json(201, &view)?.versioned(version))
        })
    })
    .await
}
