//! Routes.

mod change;
mod hand_over;
mod read;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Dispatch;

pub(super) fn routes(api: Api<Dispatch>) -> Api<Dispatch> {
    api.routes(routes!(read::list_routes))
        .routes(routes!(read::get_route, change::update_route))
        .routes(routes!(change::update_route_stop))
        .routes(routes!(hand_over::move_route))
}
