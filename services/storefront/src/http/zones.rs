//! Delivery zones.

mod create;
mod delete;
mod list;
mod read;
mod update;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Storefront;

pub(super) fn routes(api: Api<Storefront>) -> Api<Storefront> {
    api.routes(routes!(list::list_zones, create::create_zone)).routes(routes!(
        read::get_zone,
        update::update_zone,
        delete::delete_zone
    ))
}
