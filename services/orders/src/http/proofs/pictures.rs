//! `PUT /api/v1/orders/{id}/proofs/{proof}/photo`, `/signature`, `GET /api/v1/files/orders/{token}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use kernel::ids::{OrderId, ProofId};
use platform::Result;
use platform::files::{Fit, New};
use platform::http::Path;
use platform::http::upload::Upload;
use platform::idempotency::Answer;

use super::view::ProofView;
use crate::commands::proofs::show;
use crate::context::Orders;
use crate::domain::proof::Kind;
use crate::queries::proofs::subject;

/// Large enough to read a label and a door number.
const FIT: Fit = Fit { longest_side: 1600 };

/// Adds the photo of a proof, in place of the one before. It is made smaller, and everything but the pixels is left out.
#[utoipa::path(
    put, path = "/api/v1/orders/{id}/proofs/{proof}/photo", operation_id = "put_proof_photo", tag = "proofs",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q"),
           ("proof" = String, Path, description = "The proof.", pattern = "^proof_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "proof_01h455vb4pex5vsknk084sn02q")),
    request_body(description = "The picture: JPEG, PNG or WebP, at most 32 million pixels.",
                 content(("image/jpeg"), ("image/png"), ("image/webp"))),
    responses((status = 200, description = "The proof as it is now.", body = ProofView))
)]
pub(crate) async fn put_proof_photo(
    State(context): State<Orders>,
    Path((id, proof)): Path<(OrderId, ProofId)>,
    request: Upload,
) -> Result<Answer> {
    put(&context, (id, proof), request, Kind::Photo).await
}

/// Adds the drawn name of a proof, in place of the one before.
#[utoipa::path(
    put, path = "/api/v1/orders/{id}/proofs/{proof}/signature", operation_id = "put_proof_signature", tag = "proofs",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q"),
           ("proof" = String, Path, description = "The proof.", pattern = "^proof_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "proof_01h455vb4pex5vsknk084sn02q")),
    request_body(description = "The picture: JPEG, PNG or WebP, at most 32 million pixels.",
                 content(("image/jpeg"), ("image/png"), ("image/webp"))),
    responses((status = 200, description = "The proof as it is now.", body = ProofView))
)]
pub(crate) async fn put_proof_signature(
    State(context): State<Orders>,
    Path((id, proof)): Path<(OrderId, ProofId)>,
    request: Upload,
) -> Result<Answer> {
    put(&context, (id, proof), request, Kind::Signature).await
}

async fn put(
    context: &Orders,
    (id, proof): (OrderId, ProofId),
    request: Upload,
    kind: Kind,
) -> Result<Answer> {
    let (call, files) = (request.call, context.ground().files.clone());
    let viewer = context.viewer(&request.principal, &call.scope).await?;
    // Before the work: what the caller does not see is not there.
    let subject = subject(context, &call.scope, &viewer, id, proof).await?;
    let picture = files.image(request.body, FIT).await?;
    let new = New { purpose: kind.as_str(), content: picture, subject: Some(subject) };
    let file = files.upload(context.db(), &call.scope, new).await?;
    let orders = context.clone();
    call.run(context.db(), move |tx| {
        let (viewer, orders) = (viewer.clone(), orders.clone());
        Box::pin(async move {
            let proof = show(tx, &orders, &viewer, (id, proof), kind, file).await?;
            Ok(Answer::json(200, &ProofView::from(&proof))?.versioned(proof.version))
        })
    })
    .await
}

/// Reads a picture through a link that was given out. It asks for no credential: the link is one.
#[utoipa::path(
    get, path = "/api/v1/files/orders/{token}", operation_id = "get_orders_file", tag = "files",
    params(("token" = String, Path, description = "From the link.", pattern = "^[A-Za-z0-9_-]{75}$",
            example = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    responses((status = 200, description = "The picture. It never changes under its link.",
               content(("image/jpeg"), ("image/png"))))
)]
pub(crate) async fn get_orders_file(
    State(context): State<Orders>,
    Path(token): Path<String>,
) -> Result<Response> {
    Ok(context.ground().files.fetch(context.db(), &token).await?.into_response())
}
