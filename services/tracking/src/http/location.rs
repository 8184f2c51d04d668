//! `/api/v1/drivers/{id}/location` and `/api/v1/drivers/{id}/locations`

mod history;
mod latest;
mod report;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Tracking;

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(latest::get_location, report::report_location))
        .routes(routes!(history::list_locations))
}
