//! The HTTP operations of orders, one file per operation or closely related group.

mod imports;
pub(crate) mod internal;
mod orders;
mod packages;
mod proofs;
mod recurring;
mod text;

use platform::http::openapi::Api;

use crate::context::Orders;

/// All routes.
pub fn routes() -> Api<Orders> {
    let daily = proofs::routes(packages::routes(orders::routes(Api::new(crate::NAME))));
    imports::routes(recurring::routes(daily))
}
