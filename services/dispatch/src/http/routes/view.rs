//! A route as the API shows it.

use kernel::ids::{DriverId, OrderId, RouteId, StopId};
use kernel::time::Timestamp;
use platform::http::openapi::type_id;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::routes::{Route, Stop};

/// One stop that is still to be made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RouteStopView {
    /// Identifier.
    #[schema(schema_with = type_id::<StopId>)]
    id: StopId,
    /// Of which order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// `pickup`, `dropoff` or `return`.
    #[schema(example = "pickup")]
    kind: &'static str,
    /// Whether it keeps its place.
    #[schema(example = false)]
    locked: bool,
}

impl From<Stop> for RouteStopView {
    fn from(stop: Stop) -> Self {
        Self { id: stop.id, order_id: stop.order_id, kind: stop.kind.as_str(), locked: stop.locked }
    }
}

/// A driver's ordered stops.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RouteView {
    /// Identifier.
    #[schema(schema_with = type_id::<RouteId>)]
    id: RouteId,
    /// Whose.
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// For `If-Match`.
    #[schema(example = 3)]
    version: i64,
    /// When it last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
    /// What is still to be made, in this order.
    stops: Vec<RouteStopView>,
}

impl From<Route> for RouteView {
    fn from(route: Route) -> Self {
        Self {
            id: route.id,
            driver_id: route.driver_id,
            version: route.version,
            updated_at: route.updated_at,
            stops: route.stops.into_iter().map(RouteStopView::from).collect(),
        }
    }
}
