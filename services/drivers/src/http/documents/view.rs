//! A document as the API shows it.

use jiff::civil::Date;
use kernel::ids::{DocumentId, DriverId, FileId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::documents::{self, DocumentKind};
use crate::entities::Document;

/// What a document is.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "snake_case", example = "driving_licence")]
#[expect(dead_code, reason = "only its schema is used: the values are `domain::documents::DocumentKind`")]
pub(crate) enum DriverDocumentKind {
    /// Allows to drive.
    DrivingLicence,
    /// Says who somebody is.
    Identity,
    /// Of the vehicle or of the driver.
    Insurance,
    /// Allows to handle food.
    Health,
    /// Anything else.
    Other,
}

/// A document of a driver.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct DriverDocumentView {
    /// Identifier.
    #[schema(schema_with = type_id::<DocumentId>)]
    id: DocumentId,
    /// The version, as in the `ETag` of an update.
    #[schema(example = 1)]
    version: i64,
    /// Whose.
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// What it is.
    #[schema(value_type = DriverDocumentKind)]
    kind: DocumentKind,
    /// Its number; absent where nobody stated one, and after an erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "A1234567")]
    number: Option<String>,
    /// The last day on which it is good, in UTC; absent: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date, example = "2028-05-31")]
    expires_on: Option<Date>,
    /// Whether it has run out.
    #[schema(example = false)]
    expired: bool,
    /// Whether the driver needs it to work.
    #[schema(example = true)]
    required: bool,
    /// The photo, if there is one. Another photo has another identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<FileId>)]
    photo: Option<FileId>,
    /// When it was added.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl DriverDocumentView {
    /// The document on this day.
    pub fn new(document: Document, today: Date) -> Self {
        let details = document.details;
        Self {
            id: document.id,
            version: document.version,
            driver_id: document.driver_id,
            kind: details.kind,
            number: document.number.map(|number| number.reveal().to_owned()),
            expires_on: details.expires_on,
            expired: documents::expired(details.expires_on, today),
            required: details.required,
            photo: document.photo,
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}

/// Where a photo is, for a while. Whoever has the link has the photo: give it only to those who may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DriverDocumentPhotoLink {
    /// Address of the photo, valid for one to two hours; the same for an hour.
    #[schema(format = "uri", example = "https://dropmate.example.org/api/v1/files/drivers/AZ3u")]
    pub url: String,
}
