//! `/api/v1/geo`: addresses of the imported map.

mod answer;
mod reverse;
mod search;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Tracking;

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(search::search_places)).routes(routes!(reverse::reverse_place))
}
