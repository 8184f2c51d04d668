//! `/api/v1/track/{code}`: the customer's page, for whoever knows its code.

mod confirm;
mod page;
mod rate;

use platform::http::openapi::Api;
use utoipa_axum::routes;

pub(super) use page::{EtaView, TimelineRow, TrackPosition};

use crate::context::Tracking;

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(page::get_tracking_page))
        .routes(routes!(rate::rate_delivery))
        .routes(routes!(confirm::confirm_receipt))
}
