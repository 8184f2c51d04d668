//! `GET/POST /api/v1/orders/{id}/proofs`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::ids::OrderId;
use kernel::time::Timestamp;
use platform::http::call::{Command, Reader};
use platform::http::problem::document;
use platform::http::{Json, Path};
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::{ProofStop, ProofView};
use crate::commands::proofs::{Capture, Captured, capture};
use crate::context::Orders;
use crate::http::orders::view::OrderPosition;
use crate::http::text::{self, private};
use crate::queries::proofs as read;

/// What a device captured. Pictures are added afterwards.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stop": "dropoff", "signature_name": "G. Hopper", "pin": "4071" }))]
pub(crate) struct NewProof {
    /// Where.
    #[garde(skip)]
    #[schema(inline)]
    stop: ProofStop,
    /// Who signed.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[schema(min_length = 1, max_length = 200)]
    signature_name: Option<String>,
    /// The PIN of the stop. Five wrong ones lock it until a manager sets it anew.
    #[garde(inner(pattern(text::PIN)))]
    #[schema(pattern = "^[0-9]{4,6}$")]
    pin: Option<String>,
    /// Codes that were read.
    #[garde(length(max = 50), inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[serde(default)]
    #[schema(max_items = 50)]
    barcodes: Vec<String>,
    /// What there is to say.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000)]
    notes: Option<String>,
    /// Whether somebody looked at a document and saw that the recipient is old enough.
    #[garde(skip)]
    #[serde(default)]
    age_confirmed: bool,
    /// When, by the device's clock: up to 72 hours ago, at most a minute ahead. Now, when nothing is said.
    #[garde(skip)]
    at: Option<Timestamp>,
    /// Where the device is.
    #[garde(skip)]
    #[schema(value_type = Option<OrderPosition>)]
    position: Option<Position>,
}

impl From<NewProof> for Capture {
    fn from(body: NewProof) -> Self {
        let said = |text: Option<String>| text.as_deref().map(private);
        Self {
            stop: body.stop.into(),
            signature_name: said(body.signature_name),
            pin: said(body.pin),
            barcodes: body.barcodes,
            notes: said(body.notes),
            age_confirmed: body.age_confirmed,
            at: body.at,
            position: body.position,
        }
    }
}

/// A refusal whose effects (a counted try) are kept: it is an answer, not an error that rolls back.
fn kept_refusal(error: &Error) -> Result<Answer> {
    Ok(Answer {
        status: error.kind().status(),
        headers: vec![("content-type".to_owned(), "application/problem+json".to_owned())],
        body: serde_json::to_vec(&document(error, None))?,
    })
}

/// Keeps what was captured at a stop. A wrong PIN is 409 `pin_wrong` with the tries that are left.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/proofs", operation_id = "capture_proof", tag = "proofs",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = NewProof,
    responses((status = 201, description = "It is kept.", body = ProofView))
)]
pub(crate) async fn capture_proof(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<NewProof>,
) -> Result<Answer> {
    let new = Capture::from(request.body);
    let viewer = context.viewer(&request.principal, &request.call.scope).await?;
    let orders = context.clone();
    request
        .call
        .run(context.db(), move |tx| {
            let (new, viewer, orders) = (new.clone(), viewer.clone(), orders.clone());
            Box::pin(async move {
                match capture(tx, &orders, &viewer, id, &new).await? {
                    Captured::Kept(proof) => {
                        Ok(Answer::json(201, &ProofView::from(&*proof))?.versioned(proof.version))
                    }
                    Captured::Refused(error) => kept_refusal(&error),
                }
            })
        })
        .await
}

/// The proofs of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProofList {
    /// Oldest first.
    items: Vec<ProofView>,
}

/// The proofs of an order, oldest first, with links to their pictures.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/proofs", operation_id = "list_proofs", tag = "proofs",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "All of them.", body = ProofList))
)]
pub(crate) async fn list_proofs(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    reader: Reader,
) -> Result<Json<ProofList>> {
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    let proofs = read::of_order(&context, &reader.scope, &viewer, id).await?;
    Ok(Json(ProofList { items: proofs.into_iter().map(ProofView::from).collect() }))
}
