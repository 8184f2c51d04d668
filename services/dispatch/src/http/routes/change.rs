//! `PATCH /api/v1/routes/{id}`, `PATCH /api/v1/routes/{id}/stops/{stop}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::{RouteId, StopId};
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::RouteView;
use crate::commands::routes::{self as command, Change};
use crate::context::Dispatch;

/// In what order the stops are made.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stops": ["stop_01h455vb4pex5vsknk084sn02q", "stop_01h455vb4pex5vsknk084sn02r"] }))]
pub(crate) struct RouteOrder {
    /// Every stop of the route, each once.
    #[garde(length(max = 1_000))]
    #[schema(max_items = 1_000, value_type = Vec<String>)]
    stops: Vec<StopId>,
}

/// Puts the stops of a route into another order. A drop-off stays behind its pick-up, a locked stop keeps its place.
#[utoipa::path(
    patch, path = "/api/v1/routes/{id}", operation_id = "update_route", tag = "routes",
    params(("id" = String, Path, description = "The route.", pattern = "^route_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "route_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = RouteOrder,
    responses((status = 200, description = "As it is now.", body = RouteView))
)]
pub(crate) async fn update_route(
    State(dispatch): State<Dispatch>,
    Path(id): Path<RouteId>,
    seen: IfMatch,
    request: Command<RouteOrder>,
) -> Result<Answer> {
    let change = Change::Order(request.body.stops.clone());
    run(&dispatch, id, seen, request.call, change, "update_route").await
}

/// Where one stop goes.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "place": 0, "locked": true }))]
pub(crate) struct RouteStopChange {
    /// Its place in the route, counted from 0; beyond the end: the end.
    #[garde(inner(range(max = 1_000)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(maximum = 1_000, nullable = false)]
    place: Option<u16>,
    /// Whether it keeps its place.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    locked: Option<bool>,
}

/// Moves one stop of a route, or locks it.
#[utoipa::path(
    patch, path = "/api/v1/routes/{id}/stops/{stop}", operation_id = "update_route_stop", tag = "routes",
    params(("id" = String, Path, description = "The route.", pattern = "^route_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "route_01h455vb4pex5vsknk084sn02q"),
           ("stop" = String, Path, description = "The stop.", pattern = "^stop_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "stop_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag of the route that you have read.", example = "\"1\"")),
    request_body = RouteStopChange,
    responses((status = 200, description = "The route as it is now.", body = RouteView))
)]
pub(crate) async fn update_route_stop(
    State(dispatch): State<Dispatch>,
    Path((id, stop)): Path<(RouteId, StopId)>,
    seen: IfMatch,
    request: Command<RouteStopChange>,
) -> Result<Answer> {
    let RouteStopChange { place, locked } = request.body;
    if place.is_none() && locked.is_none() {
        return Err(Error::invalid_field("", "say where the stop goes, or whether it keeps its place"));
    }
    let change = Change::Stop { stop, place: place.map(usize::from), locked };
    run(&dispatch, id, seen, request.call, change, "update_route_stop").await
}

async fn run(
    dispatch: &Dispatch,
    id: RouteId,
    seen: IfMatch,
    call: platform::idempotency::Call,
    change: Change,
    action: &'static str,
) -> Result<Answer> {
    call.run(dispatch.db(), move |tx| {
        let (change, seen) = (change.clone(), seen.clone());
        Box::pin(async move {
            let after = command::change(tx, id, &change, action, move |version| seen.check(version)).await?;
            let version = after.version;
            Ok(Answer::json(200, &RouteView::from(after))?.versioned(version))
        })
    })
    .await
}
