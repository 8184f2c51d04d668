//! Vehicles.

mod create;
mod delete;
mod list;
mod read;
mod update;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

pub(in crate::http) use view::VehicleType;

use crate::context::Drivers;

pub(super) fn routes(api: Api<Drivers>) -> Api<Drivers> {
    api.routes(routes!(list::list_vehicles, create::create_vehicle)).routes(routes!(
        read::get_vehicle,
        update::update_vehicle,
        delete::delete_vehicle
    ))
}
