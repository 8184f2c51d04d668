//! The operations of tracking.

mod access;
mod devices;
mod eta;
mod geo;
mod ingest;
pub(crate) mod internal;
mod location;
mod map;
mod order_tracking;
mod settings;
mod text;
mod track;

use platform::http::openapi::Api;

use crate::context::Tracking;

/// All routes.
pub(crate) fn routes() -> Api<Tracking> {
    let api = location::routes(Api::new(crate::NAME));
    let api = ingest::routes(devices::routes(api));
    let api = map::routes(geo::routes(api));
    track::routes(order_tracking::routes(settings::routes(eta::routes(api))))
}
