//! The HTTP operations of storefront, one file per operation or closely related pair.

mod quotes;
mod shops;
mod text;
mod zones;

use platform::http::openapi::Api;

use crate::context::Storefront;

/// All routes.
pub fn routes() -> Api<Storefront> {
    quotes::routes(zones::routes(shops::routes(Api::new(crate::NAME))))
}
