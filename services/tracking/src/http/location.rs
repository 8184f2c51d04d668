//! `/api/v1/drivers/{id}/location`, `/api/v1/drivers/{id}/locations` and `/api/v1/locations`

mod all;
mod history;
mod latest;
mod report;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Tracking;

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(latest::get_location, report::report_location))
        .routes(routes!(history::list_locations))
        .routes(routes!(all::list_last_locations))
}
