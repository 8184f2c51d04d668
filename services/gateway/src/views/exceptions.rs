//! What somebody should look at, found in what the services answer.
//!
//! | kind | when |
//! |---|---|
//! | `failed` | an order failed today, or has failed and can be tried again or brought back |
//! | `returning` | goods are on their way back |
//! | `late` | the window of the drop-off has passed and the order is not delivered |
//! | `stuck` | dispatch cannot find a driver without a person |
//! | `waiting` | nobody has had the order for [`WAITING`] |
//! | `unanswered` | drivers were asked and nobody has taken it |
//! | `position_stale` | a driver works, and has not been seen for [`STALE`] |

use kernel::time::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long nobody may have an order.
const WAITING: SignedDuration = SignedDuration::from_mins(10);
/// How old the position of somebody who works may be.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// Something that somebody should look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "kind": "late", "order_id": "order_01h455vb4pex5vsknk084sn02q", "number": "A-042",
    "driver_id": "driver_01h455vb4pex5vsknk084sn02q", "since": "2026-11-20T12:45:00Z"
}))]
pub(super) struct OverviewException {
    /// What it is: `failed`, `returning`, `late`, `stuck`, `waiting`, `unanswered`, `position_stale`; more may come.
    kind: &'static str,
    /// The order that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// What people call the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// The driver whom it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    driver_id: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

/// What is looked at in an order.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) number: String,
    pub(super) status: String,
    pub(super) driver_id: Option<String>,
    dropoff: Stop,
    updated_at: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
struct Stop {
    window: Option<Window>,
}

#[derive(Debug, Clone, Deserialize)]
struct Window {
    until: Option<Timestamp>,
}

/// What is looked at in an order of the queue.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Queued {
    order_id: String,
    number: String,
    state: String,
    round: u16,
    waiting_since: Timestamp,
}

/// What is looked at in a driver, and when the driver was last seen.
#[derive(Debug, Clone)]
pub(super) struct Working {
    pub(super) id: String,
    pub(super) availability: String,
    pub(super) availability_since: Timestamp,
    pub(super) seen: Option<Timestamp>,
}

impl Order {
    /// Until when it should have been dropped off.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.dropoff.window.as_ref()?.until
    }

    fn exception(&self, kind: &'static str, since: Timestamp) -> OverviewException {
        OverviewException {
            kind,
            order_id: Some(self.id.clone()),
            number: Some(self.number.clone()),
            driver_id: self.driver_id.clone(),
            since: Some(since),
        }
    }

    fn look(&self, now: Timestamp) -> Option<OverviewException> {
        match self.status.as_str() {
            "failed" => Some(self.exception("failed", self.updated_at)),
            "returning" => Some(self.exception("returning", self.updated_at)),
            _ => self.until().filter(|until| *until < now).map(|until| self.exception("late", until)),
        }
    }
}

impl Queued {
    fn look(&self, now: Timestamp) -> Option<OverviewException> {
        let long = now.duration_since(self.waiting_since) >= WAITING;
        let kind = match self.state.as_str() {
            "stuck" => "stuck",
            "waiting" if self.round > 0 => "unanswered",
            _ if long => "waiting",
            _ => return None,
        };
        Some(OverviewException {
            kind,
            order_id: Some(self.order_id.clone()),
            number: Some(self.number.clone()),
            driver_id: None,
            since: Some(self.waiting_since),
        })
    }
}

impl Working {
    fn look(&self, now: Timestamp) -> Option<OverviewException> {
        let works = ["available", "busy"].contains(&self.availability.as_str());
        // Who has only just begun has had no time to be seen.
        let since = self.seen.unwrap_or(self.availability_since);
        (works && now.duration_since(since) > STALE).then(|| OverviewException {
            kind: "position_stale",
            driver_id: Some(self.id.clone()),
            since: Some(since),
            ..OverviewException::default()
        })
    }
}

/// What there is to look at, what waits longest first.
pub(super) fn find(
    orders: &[Order],
    queue: &[Queued],
    drivers: &[Working],
    now: Timestamp,
) -> Vec<OverviewException> {
    let mut found: Vec<OverviewException> = Vec::new();
    found.extend(orders.iter().filter_map(|order| order.look(now)));
    found.extend(queue.iter().filter_map(|queued| queued.look(now)));
    found.extend(drivers.iter().filter_map(|driver| driver.look(now)));
    found.sort_by_key(|exception| exception.since);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn order(status: &str, until: i64) -> Order {
        serde_json::from_value(json!({
            "id": "order_1", "number": "A-1", "status": status, "updated_at": at(1), "version": 3,
            "dropoff": { "street": "x", "window": { "until": at(until) } },
        }))
        .unwrap()
    }

    fn queued(state: &str, round: u16, since: i64) -> Queued {
        let (order_id, number) = ("order_2".to_owned(), "A-2".to_owned());
        Queued { order_id, number, state: state.to_owned(), round, waiting_since: at(since) }
    }

    fn kinds(orders: &[Order], queue: &[Queued], drivers: &[Working]) -> Vec<&'static str> {
        find(orders, queue, drivers, at(30)).iter().map(|found| found.kind).collect()
    }

    #[test]
    fn an_order_is_late_when_its_window_has_passed() {
        assert_eq!(kinds(&[order("picked_up", 29)], &[], &[]), ["late"]);
        assert!(kinds(&[order("picked_up", 30)], &[], &[]).is_empty());
        assert_eq!(kinds(&[order("failed", 99), order("returning", 99)], &[], &[]), ["failed", "returning"]);
    }

    #[test]
    fn the_queue_is_looked_through() {
        assert_eq!(kinds(&[], &[queued("waiting", 0, 20)], &[]), ["waiting"]);
        assert!(kinds(&[], &[queued("waiting", 0, 21)], &[]).is_empty());
        assert_eq!(kinds(&[], &[queued("waiting", 1, 29)], &[]), ["unanswered"]);
        assert_eq!(
            kinds(&[], &[queued("stuck", 0, 29), queued("offered", 1, 19)], &[]),
            ["waiting", "stuck"]
        );
    }

    #[test]
    fn who_works_has_to_be_seen() {
        let driver = |availability: &str, seen: Option<i64>, since: i64| Working {
            id: "driver_1".to_owned(),
            availability: availability.to_owned(),
            availability_since: at(since),
            seen: seen.map(at),
        };
        assert_eq!(kinds(&[], &[], &[driver("available", Some(24), 0)]), ["position_stale"]);
        assert!(kinds(&[], &[], &[driver("busy", Some(25), 0)]).is_empty());
        assert!(kinds(&[], &[], &[driver("off_duty", None, 0), driver("available", None, 28)]).is_empty());
        assert_eq!(kinds(&[], &[], &[driver("busy", None, 0)]), ["position_stale"]);
    }
}
