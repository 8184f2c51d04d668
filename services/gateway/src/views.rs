//! Aggregated views: one answer for what a screen shows first, made of what the owning services answer to the same caller.
//!
//! | view | of |
//! |---|---|
//! | `GET /api/v1/overview` | how the day stands: counts, exceptions, drivers with positions, open work |
//! | `GET /api/v1/drivers/me/day` | a driver's day: profile, shifts, route with what each stop needs, offers |
//! | `GET /api/v1/orders/{id}/overview` | one order: itself, how it is followed, where its courier is |
//! | `GET /api/v1/stats` | counts by status, queue, live connections |
//!
//! Each part is read through the service's public operation with the caller's credential, so a view shows nothing that its
//! caller could not read. All parts that do not need each other are read at once. **A view is never less available than its
//! main part**: another part whose service is away, or does not answer within [`PATIENCE`], is `null` and named in
//! `unavailable`; a part that the caller may not read is `null` as well. Views are never kept: `Cache-Control: no-store`.

mod day;
mod exceptions;
mod order;
mod overview;
mod parts;
mod stats;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use kernel::time::{SharedClock, SignedDuration, Timestamp};
use platform::http::Json;
use platform::http::openapi::Api;
use platform::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use utoipa_axum::routes;

use crate::call::Visitor;
use crate::http::Shared;

/// How long a view waits for its parts.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a day is when nobody says when it began.
const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(crate) fn routes(api: Api<Shared>) -> Api<Shared> {
    api.routes(routes!(overview::get_overview))
        .routes(routes!(stats::get_stats))
        .routes(routes!(day::get_driver_day))
        .routes(routes!(order::get_order_overview))
}

/// Business time, for views.
#[derive(Debug, Clone)]
pub(crate) struct Time(pub(crate) SharedClock);

impl Time {
    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// A day ago.
    fn yesterday(&self) -> Result<Timestamp> {
        self.now().checked_sub(DAY).map_err(Error::internal)
    }
}

/// How the day stands, for a page.
pub(crate) async fn overview(visitor: &Visitor, time: &Time) -> Result<Value> {
    let view = Box::pin(overview::compose(visitor, time.yesterday()?, time.now())).await?;
    serde_json::to_value(view).map_err(Error::internal)
}

/// A driver's day, for a page.
pub(crate) async fn day(visitor: &Visitor, time: &Time) -> Result<Value> {
    let view = Box::pin(day::compose(visitor, time.now())).await?;
    serde_json::to_value(view).map_err(Error::internal)
}

/// A view as an answer.
fn answer(view: &impl Serialize) -> Response {
    let mut response = Json(view).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
