//! The HTTP operations of orders, one file per operation or closely related group.

pub(crate) mod internal;
mod orders;
mod packages;
mod proofs;
mod text;

use platform::http::openapi::Api;

use crate::context::Orders;

/// All routes.
pub fn routes() -> Api<Orders> {
    proofs::routes(packages::routes(orders::routes(Api::new(crate::NAME))))
}
