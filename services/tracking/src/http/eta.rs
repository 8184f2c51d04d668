//! `/api/v1/eta`: how good expected times are.

mod accuracy;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Tracking;

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(accuracy::get_eta_accuracy))
}
