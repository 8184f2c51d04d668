//! Driver profiles.

mod create;
mod list;
mod me;
mod read;
mod update;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

pub(in crate::http) use view::DriverAvailability;

use crate::context::Drivers;

pub(super) fn routes(api: Api<Drivers>) -> Api<Drivers> {
    api.routes(routes!(list::list_drivers, create::create_driver))
        .routes(routes!(me::get_my_driver))
        .routes(routes!(read::get_driver, update::update_driver))
}
