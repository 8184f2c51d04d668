//! `/api/v1/map`: what is drawn of the imported map. It is public, as the data is: customers' pages show it too.

mod customer;
mod document;
mod style;
mod tile;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Tracking;

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(document::get_map))
        .routes(routes!(style::get_map_style))
        .routes(routes!(tile::get_map_tile))
        .routes(routes!(customer::get_tracking_map))
}

/// The address of tiles, with places for their numbers.
fn tiles_url(tracking: &Tracking) -> String {
    format!("{}/api/v1/map/tiles/{{z}}/{{x}}/{{y}}", tracking.ground().public_url)
}

/// The address of the document that tells of them.
fn document_url(tracking: &Tracking) -> String {
    format!("{}/api/v1/map", tracking.ground().public_url)
}
