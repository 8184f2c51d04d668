//! `POST /api/v1/orders/{id}/pins`

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrderId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::ProofStop;
use crate::commands::proofs::set_pin;
use crate::context::Orders;
use crate::http::text::{self, private};

/// The PIN of a stop.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stop": "dropoff", "pin": "4071" }))]
pub(crate) struct NewStopPin {
    /// Where it is asked for.
    #[garde(skip)]
    #[schema(inline)]
    stop: ProofStop,
    /// 4 to 6 digits. It is checked against a keyed hash. That of the drop-off is shown on the customer's page, and nowhere
    /// else.
    #[garde(pattern(text::PIN))]
    #[schema(pattern = "^[0-9]{4,6}$")]
    pin: String,
}

/// Sets the PIN of a stop anew, and unlocks it.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/pins", operation_id = "set_order_pin", tag = "proofs",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    request_body = NewStopPin,
    responses((status = 204, description = "It is set."))
)]
pub(crate) async fn set_order_pin(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Command<NewStopPin>,
) -> Result<Answer> {
    let (stop, pin, orders) = (request.body.stop.into(), private(&request.body.pin), context.clone());
    request
        .call
        .run(context.db(), move |tx| {
            let (pin, orders) = (pin.clone(), orders.clone());
            Box::pin(async move {
                set_pin(tx, &orders, id, stop, &pin).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
