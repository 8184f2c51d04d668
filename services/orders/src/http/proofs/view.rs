//! A proof as the API shows it.

use kernel::ids::{FileId, OrderId, ProofId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id};
use platform::vault::Private;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::proof::Stop;
use crate::entities::Proof;
use crate::http::orders::view::OrderPosition;
use crate::queries::proofs::Shown;

/// Where proof is captured.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProofStop {
    /// Where the goods come from.
    Pickup,
    /// Where they go.
    Dropoff,
    /// Where they go back to.
    Return,
}

impl From<ProofStop> for Stop {
    fn from(stop: ProofStop) -> Self {
        match stop {
            ProofStop::Pickup => Self::Pickup,
            ProofStop::Dropoff => Self::Dropoff,
            ProofStop::Return => Self::Return,
        }
    }
}

/// What was captured at a stop.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProofView {
    /// Identifier.
    #[schema(schema_with = type_id::<ProofId>)]
    id: ProofId,
    /// Its order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// Counts pictures that were added.
    #[schema(example = 1)]
    version: i64,
    /// Where: `pickup`, `dropoff`, `return`.
    #[schema(example = "dropoff")]
    stop: &'static str,
    /// In which attempt of the order.
    #[schema(example = 1)]
    attempt: i16,
    /// When, by the clock of the device.
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Timestamp,
    /// When it was recorded.
    #[schema(example = "2026-11-20T12:00:01Z")]
    recorded_at: Timestamp,
    /// Who captured it.
    #[schema(example = "system")]
    by: String,
    /// Where the device was.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<OrderPosition>,
    /// Who signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "G. Hopper")]
    signature_name: Option<String>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Handed to the neighbour.")]
    notes: Option<String>,
    /// What was read.
    #[schema(example = json!(["6414893386488"]))]
    barcodes: Vec<String>,
    /// Whether the right PIN was presented.
    #[schema(example = false)]
    pin: bool,
    /// Whether somebody looked at a document.
    #[schema(example = false)]
    age_confirmed: bool,
    /// The picture, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<FileId>)]
    photo: Option<FileId>,
    /// The drawn name, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<FileId>)]
    signature: Option<FileId>,
    /// Address of the picture, valid for one to two hours. In lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", example = "https://dropmate.example.org/api/v1/files/orders/AZ3u")]
    photo_url: Option<String>,
    /// Address of the drawn name, valid for one to two hours. In lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", example = "https://dropmate.example.org/api/v1/files/orders/AZ3v")]
    signature_url: Option<String>,
}

fn said(text: Option<&Private>) -> Option<String> {
    text.map(|text| text.reveal().to_owned())
}

impl From<&Proof> for ProofView {
    fn from(proof: &Proof) -> Self {
        Self {
            id: proof.id,
            order_id: proof.order_id,
            version: proof.version,
            stop: proof.stop.as_str(),
            attempt: proof.attempt,
            at: proof.at,
            recorded_at: proof.recorded_at,
            by: proof.by.clone(),
            position: proof.position.map(OrderPosition::from),
            signature_name: said(proof.signature_name.as_ref()),
            notes: said(proof.notes.as_ref()),
            barcodes: proof.barcodes.clone(),
            pin: proof.pin,
            age_confirmed: proof.age_confirmed,
            photo: proof.photo,
            signature: proof.signature,
            photo_url: None,
            signature_url: None,
        }
    }
}

impl From<Shown> for ProofView {
    fn from(shown: Shown) -> Self {
        Self { photo_url: shown.photo, signature_url: shown.signature, ..Self::from(&shown.proof) }
    }
}
