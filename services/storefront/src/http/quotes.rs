//! Quotes.

mod create;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Storefront;

pub(super) fn routes(api: Api<Storefront>) -> Api<Storefront> {
    api.routes(routes!(create::create_quote))
}
