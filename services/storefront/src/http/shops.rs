//! Shops.

mod create;
mod delete;
mod hours;
mod list;
mod read;
mod update;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Storefront;

pub(super) fn routes(api: Api<Storefront>) -> Api<Storefront> {
    api.routes(routes!(list::list_shops, create::create_shop)).routes(routes!(
        read::get_shop,
        update::update_shop,
        delete::delete_shop
    ))
}
