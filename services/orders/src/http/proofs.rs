//! Proof of pick-ups, drop-offs and returns.

mod capture;
mod pictures;
mod pins;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Orders;

pub(super) fn routes(api: Api<Orders>) -> Api<Orders> {
    api.routes(routes!(capture::list_proofs, capture::capture_proof))
        .routes(routes!(pictures::put_proof_photo))
        .routes(routes!(pictures::put_proof_signature))
        .routes(routes!(pictures::get_orders_file))
        .routes(routes!(pins::set_order_pin))
}
