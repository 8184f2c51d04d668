//! `PATCH /api/v1/drivers/{id}/documents/{document}`

use axum::extract::State;
use garde::Validate;
use jiff::civil::Date;
use kernel::ids::{DocumentId, DriverId};
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{DriverDocumentKind, DriverDocumentView};
use crate::commands::documents as command;
use crate::context::Drivers;
use crate::domain::documents::{DocumentKind, day};
use crate::entities::Document;
use crate::http::{run, text};

/// What changes; what is absent stays. `null` clears the number and the day.
#[derive(Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "expires_on": "2030-05-31" }))]
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) struct DriverDocumentChange {
    /// What it is.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = DriverDocumentKind, required = false)]
    kind: Option<DocumentKind>,
    /// Its number.
    #[garde(inner(inner(length(chars, min = 1, max = 100), pattern(text::LINE))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100,
             pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    number: Option<Option<String>>,
    /// The last day on which it is good, in UTC; `null`: for ever.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Date)]
    expires_on: Option<Option<Date>>,
    /// Whether the driver needs it to work.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    required: Option<bool>,
}

impl DriverDocumentChange {
    fn apply(self, document: &mut Document) {
        let details = &mut document.details;
        details.kind = self.kind.unwrap_or(details.kind);
        details.expires_on = self.expires_on.unwrap_or(details.expires_on);
        details.required = self.required.unwrap_or(details.required);
        if let Some(number) = self.number {
            document.number = number.as_deref().map(text::private);
        }
    }
}

/// Changes a document, if the caller has seen its present version (`version` in the list).
#[utoipa::path(
    patch, path = "/api/v1/drivers/{id}/documents/{document}", operation_id = "update_driver_document", tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"),
           ("document" = String, Path, description = "The document.", pattern = "^document_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "document_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The version you have read, in quotes.", example = "\"1\"")),
    request_body = DriverDocumentChange,
    responses((status = 200, description = "As it is now.", body = DriverDocumentView))
)]
pub(crate) async fn update_driver_document(
    State(drivers): State<Drivers>,
    Path(ids): Path<(DriverId, DocumentId)>,
    seen: IfMatch,
    request: Command<DriverDocumentChange>,
) -> Result<Answer> {
    let (body, context) = (request.body, drivers.clone());
    run(&drivers, request.call, move |tx| {
        let (change, context, seen) = (body.clone(), context.clone(), seen.clone());
        Box::pin(async move {
            let seen = |version| seen.check(version);
            let change = |document: &mut Document| change.apply(document);
            let document = command::update(tx, &context, ids, seen, change).await?;
            let version = document.version;
            let view = DriverDocumentView::new(document, day(tx.now()));
            Ok(Answer::json(200, &view)?.versioned(version))
        })
    })
    .await
}
