//! Shifts.

mod create;
mod delete;
mod list;
mod update;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Drivers;

pub(super) fn routes(api: Api<Drivers>) -> Api<Drivers> {
    api.routes(routes!(list::list_shifts, create::create_shift))
        .routes(routes!(update::update_shift, delete::delete_shift))
}
