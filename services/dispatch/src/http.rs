//! The HTTP operations of dispatch.

mod decisions;
mod offers;
mod policy;
mod queue;
mod routes;

use platform::http::openapi::Api;

use crate::context::Dispatch;

/// All routes.
pub fn routes() -> Api<Dispatch> {
    let api = policy::routes(Api::new(crate::NAME));
    let api = decisions::routes(queue::routes(api));
    offers::routes(routes::routes(api))
}
