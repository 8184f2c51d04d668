//! `GET /api/v1/stats`, and the counts that the overview shows as well.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use futures::join;
use garde::Validate;
use kernel::time::Timestamp;
use platform::http::Query;
use platform::http::operations::Caller;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::parts::{Parts, items, read};
use super::{PATIENCE, Time, answer};
use crate::call::{Answer, Visitor};
use crate::http::Shared;

/// Orders that have not ended.
pub(super) const OPEN: &str = "created,assigned,enroute_to_pickup,arrived_at_pickup,picked_up,enroute_to_dropoff,arrived_at_dropoff,returning";
/// Pages of the queue that are counted: 200 orders each.
const PAGES: usize = 10;

/// Since when is counted.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SinceQuery {
    /// When the day began, where the caller is; without it, a day ago.
    #[garde(custom(calendar))]
    #[param(value_type = String, required = false, format = DateTime, example = "2026-11-20T00:00:00Z")]
    since: Option<Timestamp>,
}

/// Moments that a calendar of deliveries can hold, as orders sees it.
#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn calendar(at: &Option<Timestamp>, _context: &()) -> garde::Result {
    let known = |at: Timestamp| (946_684_800..4_102_444_800).contains(&at.as_second());
    if at.is_none_or(known) { Ok(()) } else { Err(garde::Error::new("lies outside of 2000 to 2099")) }
}

impl SinceQuery {
    pub(super) fn since(&self, time: &Time) -> Result<Timestamp> {
        self.since.map_or_else(|| time.yesterday(), Ok)
    }
}

/// How many orders stand where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({ "open": { "created": 3, "assigned": 2 }, "placed": { "created": 3, "assigned": 2, "delivered": 41 } }))]
pub(super) struct OrdersByStatus {
    /// Those that have not ended, by status, whenever they were placed; more statuses may come.
    open: BTreeMap<String, i64>,
    /// Those placed since the day began, by status.
    placed: BTreeMap<String, i64>,
}

/// The addresses of both counts.
pub(super) fn targets(since: Timestamp) -> (String, String) {
    (format!("/api/v1/orders/counts?status={OPEN}"), format!("/api/v1/orders/counts?from={since}"))
}

/// Both counts, which no view with them goes without.
pub(super) fn by_status(open: Result<Answer>, placed: Result<Answer>) -> Result<OrdersByStatus> {
    let counts = |answer| read::<BTreeMap<String, i64>>(&Parts::main("orders", answer)?["counts"]);
    Ok(OrdersByStatus { open: counts(open)?, placed: counts(placed)? })
}

/// What waits for a driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({ "depth": 3, "states": { "waiting": 2, "offered": 1 }, "oldest": "2026-11-20T11:58:00Z", "more": false }))]
pub(super) struct QueueDepth {
    /// How many orders nobody has.
    depth: usize,
    /// The same by what is done about them: `waiting`, `offered`, `proposed`, `stuck`; more may come.
    states: BTreeMap<String, usize>,
    /// Since when the one waits that waits longest.
    oldest: Option<Timestamp>,
    /// Whether there are more than were counted.
    more: bool,
}

#[derive(Deserialize)]
struct Queued {
    state: String,
    waiting_since: Timestamp,
}

impl QueueDepth {
    fn add(&mut self, page: &Value) -> Result<()> {
        for item in items(page) {
            let queued: Queued = read(item)?;
            self.depth += 1;
            *self.states.entry(queued.state).or_default() += 1;
            self.oldest = Some(self.oldest.map_or(queued.waiting_since, |old| old.min(queued.waiting_since)));
        }
        Ok(())
    }
}

/// Counts the queue page by page.
async fn queue(visitor: &Visitor) -> Result<Result<QueueDepth, Result<Answer>>> {
    let (mut depth, mut cursor) = (QueueDepth::default(), None);
    for _ in 0..PAGES {
        let after = cursor.map(|cursor: String| format!("&cursor={cursor}")).unwrap_or_default();
        let page = match visitor.get(&format!("/api/v1/dispatch/queue?limit=200{after}")).await {
            Ok(answer) if answer.status.is_success() => answer.body,
            other => return Ok(Err(other)),
        };
        depth.add(&page)?;
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(Ok(depth));
        }
    }
    depth.more = true;
    Ok(Ok(depth))
}

/// Numbers of the organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-11-20T12:00:00Z", "since": "2026-11-20T00:00:00Z",
    "orders": { "open": { "created": 3 }, "placed": { "created": 3, "delivered": 41 } },
    "queue": { "depth": 3, "states": { "waiting": 2, "offered": 1 }, "oldest": "2026-11-20T11:58:00Z", "more": false },
    "live_connections": 7, "unavailable": []
}))]
pub(super) struct Stats {
    /// When this was so.
    at: Timestamp,
    /// When the day began.
    since: Timestamp,
    /// Orders by status.
    orders: OrdersByStatus,
    /// What waits for a driver; null while dispatch is away.
    queue: Option<QueueDepth>,
    /// Clients of the organisation that stay connected to this gateway.
    live_connections: usize,
    /// Services that did not answer: their parts are null.
    unavailable: Vec<&'static str>,
}

/// Numbers of the organisation: orders by status, what waits for a driver, who is connected.
///
/// Queues of background work belong to the installation, not to one organisation; they are in `/metrics`.
#[utoipa::path(
    get, path = "/api/v1/stats", operation_id = "get_stats", tag = "views", params(SinceQuery),
    responses((status = 200, description = "The numbers.", body = Stats))
)]
pub(super) async fn get_stats(
    State(shared): State<Shared>,
    Extension(time): Extension<Time>,
    Caller(caller): Caller,
    visitor: Visitor,
    Query(query): Query<SinceQuery>,
) -> Result<Response> {
    let since = query.since(&time)?;
    let visitor = visitor.within(PATIENCE);
    let (open, placed) = targets(since);
    let (open, placed, queue) = join!(visitor.get(&open), visitor.get(&placed), queue(&visitor));
    let orders = by_status(open, placed)?;
    let mut parts = Parts::default();
    let queue = match queue? {
        Ok(depth) => Some(depth),
        Err(other) => parts.take("dispatch", other).and(None),
    };
    let org = caller.org.ok_or_else(Error::forbidden)?;
    let live_connections = shared.realtime.map_or(0, |realtime| realtime.hub.connected(org));
    let unavailable = parts.unavailable();
    Ok(answer(&Stats { at: time.now(), since, orders, queue, live_connections, unavailable }))
}
