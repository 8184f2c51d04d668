//! An order as tracking knows it: what its events say, and what was found out about it.
//!
//! Orders decides what may follow what; tracking believes its events, in the order of their versions. An event changes
//! something or it does not:
//!
//! | event | row of the timeline |
//! |---|---|
//! | `order.status_changed` to another status, or in another attempt | the status |
//! | the same, as a correction | `corrected` |
//! | `order.status_changed` that says what is known already | none |
//! | `order.assigned` of an order that had nobody, or another driver and is not carried | `assigned` |
//! | `order.assigned` of a carried order to another driver | `handed_over` |
//! | `order.assigned` that says what is known already | none |
//! | any event of an older version | none, and nothing changes |

use contracts::orders::{OrderAssigned, OrderFacts, OrderStatus, OrderStatusChanged};
use contracts::tracking::EtaWindow;
use kernel::ids::{DriverId, OrderId};
use kernel::time::Timestamp;

use super::timeline::{Notice, Stop};

/// How positions counted at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Near {
    /// Which stop.
    pub stop: Option<Stop>,
    /// Good positions in a row there.
    pub fixes: i16,
    /// The newest that counted.
    pub at: Option<Timestamp>,
}

/// An order and what tracking knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The order.
    pub order_id: OrderId,
    /// Its version.
    pub version: i64,
    /// Its movement.
    pub status: OrderStatus,
    /// Since when.
    pub status_at: Timestamp,
    /// Who has it.
    pub driver_id: Option<DriverId>,
    /// Which attempt.
    pub attempt: u16,
    /// It was called off, also while it is on its way back.
    pub called_off: bool,
    /// Places and times.
    pub facts: OrderFacts,
    /// When nothing more was to follow.
    pub ended_at: Option<Timestamp>,
    /// When the customer confirmed the receipt.
    pub confirmed_at: Option<Timestamp>,
    /// Rows of its timeline.
    pub updates: i64,
    /// When it is expected.
    pub eta: Option<EtaWindow>,
    /// When that was calculated.
    pub eta_at: Option<Timestamp>,
    /// The expected time that was last published.
    pub eta_told: Option<Timestamp>,
    /// How often.
    pub eta_count: i64,
    /// The promise for which a delay was published.
    pub delayed_until: Option<Timestamp>,
    /// How often.
    pub delayed_count: i64,
    /// The attempt for which "arriving" was published.
    pub arriving_attempt: Option<u16>,
    /// Positions at a stop.
    pub near: Near,
    /// The last arrival that was noticed.
    pub arrived: Option<(Stop, u16)>,
    /// The last stop that was seen to be left.
    pub left: Option<(Stop, u16)>,
}

impl Delivery {
    /// A new order.
    pub fn new(order_id: OrderId, version: i64, facts: OrderFacts) -> Self {
        Self {
            order_id,
            version,
            status: OrderStatus::Created,
            status_at: facts.placed_at,
            driver_id: None,
            attempt: 1,
            called_off: false,
            facts,
            ended_at: None,
            confirmed_at: None,
            updates: 0,
            eta: None,
            eta_at: None,
            eta_told: None,
            eta_count: 0,
            delayed_until: None,
            delayed_count: 0,
            arriving_attempt: None,
            near: Near::default(),
            arrived: None,
            left: None,
        }
    }

    /// Whether a driver has it on the list: from the assignment to the door.
    pub fn is_under_way(&self) -> bool {
        self.ended_at.is_none()
            && (OrderStatus::Assigned..=OrderStatus::ArrivedAtDropoff).contains(&self.status)
    }

    /// Whether it still has to be picked up.
    pub fn awaits_pickup(&self) -> bool {
        (OrderStatus::Assigned..=OrderStatus::ArrivedAtPickup).contains(&self.status)
    }

    /// A driver has it now.
    pub fn assigned(&mut self, version: i64, event: &OrderAssigned, at: Timestamp) -> Vec<Notice> {
        if version < self.version {
            return Vec::new();
        }
        self.version = version;
        let known = self.driver_id == Some(event.driver_id)
            && self.status == event.status
            && self.attempt == event.attempt;
        if known {
            return Vec::new();
        }
        // What the driver before was near says nothing about the next one.
        self.near = Near::default();
        self.driver_id = Some(event.driver_id);
        self.attempt = event.attempt;
        self.set_status(event.status, at);
        let kind = if event.status.is_carried() { "handed_over" } else { event.status.as_str() };
        vec![Notice::Row { kind, at }]
    }

    /// The movement changed.
    pub fn moved(&mut self, version: i64, event: &OrderStatusChanged) -> Vec<Notice> {
        if version < self.version {
            return Vec::new();
        }
        self.version = version;
        let known = self.status == event.to && self.attempt == event.attempt;
        self.driver_id = event.driver_id;
        if known {
            return Vec::new();
        }
        self.near = Near::default();
        self.attempt = event.attempt;
        self.set_status(event.to, event.at);
        let final_failure = event.to == OrderStatus::Failed && !event.from.is_carried();
        if final_failure {
            self.ended_at = Some(event.at);
        }
        let kind = if event.correction { "corrected" } else { event.to.as_str() };
        vec![Notice::Row { kind, at: event.at }]
    }

    fn set_status(&mut self, status: OrderStatus, at: Timestamp) {
        if self.status != status {
            self.status_at = at;
        }
        self.status = status;
        let over = matches!(status, OrderStatus::Delivered | OrderStatus::Returned | OrderStatus::Cancelled);
        self.ended_at = over.then_some(at);
        if !self.is_under_way() {
            self.eta = None;
            self.eta_at = None;
            self.eta_told = None;
        }
    }

    /// Its facts changed.
    pub fn updated(&mut self, version: i64, facts: OrderFacts) {
        if version < self.version {
            return;
        }
        self.version = version;
        self.facts = facts;
        // The next look calculates with the new places.
        self.eta_at = None;
    }

    /// It was called off.
    pub fn cancelled(&mut self, version: i64) {
        self.version = self.version.max(version);
        self.called_off = true;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kernel::ids::Uuid;

    pub(crate) fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    pub(crate) fn driver(number: u128) -> DriverId {
        DriverId::new(Uuid::from_u128(number))
    }

    pub(crate) fn delivery() -> Delivery {
        Delivery::new(OrderId::new(Uuid::from_u128(20)), 1, OrderFacts::example())
    }

    pub(crate) fn assigned_to(number: u128) -> OrderAssigned {
        OrderAssigned {
            order_id: OrderId::new(Uuid::from_u128(20)),
            driver_id: driver(number),
            previous: None,
            status: OrderStatus::Assigned,
            attempt: 1,
        }
    }

    pub(crate) fn step(from: OrderStatus, to: OrderStatus) -> OrderStatusChanged {
        OrderStatusChanged {
            order_id: OrderId::new(Uuid::from_u128(20)),
            from,
            to,
            driver_id: (to != OrderStatus::Created).then(|| driver(30)),
            attempt: 1,
            at: time("2026-11-20T12:00:00Z"),
            position: None,
            outcome: None,
            failure_reason: None,
            correction: false,
        }
    }

    fn kinds(notices: &[Notice]) -> Vec<&str> {
        notices
            .iter()
            .map(|notice| match notice {
                Notice::Row { kind, .. } => *kind,
                _ => "other",
            })
            .collect()
    }

    #[test]
    fn an_assignment_that_comes_as_two_events_is_one_row_in_either_order() {
        let at = time("2026-11-20T12:00:00Z");
        let status = step(OrderStatus::Created, OrderStatus::Assigned);
        let mut one = delivery();
        assert_eq!(kinds(&one.assigned(2, &assigned_to(30), at)), ["assigned"]);
        assert_eq!(kinds(&one.moved(2, &status)), [""; 0]);
        let mut other = delivery();
        assert_eq!(kinds(&other.moved(2, &status)), ["assigned"]);
        assert_eq!(kinds(&other.assigned(2, &assigned_to(30), at)), [""; 0]);
        assert_eq!(one, other);
    }

    #[test]
    fn another_driver_is_an_assignment_before_the_pick_up_and_a_hand_over_after_it() {
        let at = time("2026-11-20T12:00:00Z");
        let mut order = delivery();
        order.assigned(2, &assigned_to(30), at);
        assert_eq!(kinds(&order.assigned(3, &assigned_to(31), at)), ["assigned"]);
        order.moved(4, &step(OrderStatus::Assigned, OrderStatus::PickedUp));
        let carried = OrderAssigned { status: OrderStatus::PickedUp, ..assigned_to(32) };
        assert_eq!(kinds(&order.assigned(5, &carried, at)), ["handed_over"]);
        assert_eq!((order.driver_id, order.status), (Some(driver(32)), OrderStatus::PickedUp));
    }

    #[test]
    fn what_is_old_changes_nothing() {
        let mut order = delivery();
        order.moved(5, &step(OrderStatus::Assigned, OrderStatus::EnrouteToPickup));
        let before = order.clone();
        assert!(order.moved(4, &step(OrderStatus::Created, OrderStatus::Assigned)).is_empty());
        assert!(order.assigned(3, &assigned_to(31), order.status_at).is_empty());
        order.updated(2, OrderFacts { number: "B-001".to_owned(), ..OrderFacts::example() });
        assert_eq!(order, before);
    }

    /// Every status reached from every other one: the row is the status, and a delivery has ended exactly when nothing can
    /// follow.
    #[test]
    fn every_step_between_all_statuses_is_believed() {
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                let mut order = delivery();
                order.moved(2, &step(OrderStatus::Created, from));
                let rows = order.moved(3, &step(from, to));
                assert_eq!(
                    kinds(&rows),
                    if from == to { vec![] } else { vec![to.as_str()] },
                    "{from:?} {to:?}"
                );
                let ended = match to {
                    OrderStatus::Delivered | OrderStatus::Returned | OrderStatus::Cancelled => true,
                    OrderStatus::Failed => from == to || !from.is_carried(),
                    _ => false,
                };
                assert_eq!(order.ended_at.is_some(), ended, "{from:?} {to:?}");
                assert!(!order.is_under_way() || order.ended_at.is_none());
            }
        }
    }

    #[test]
    fn a_new_attempt_goes_on_and_a_correction_is_named() {
        let mut order = delivery();
        order.moved(2, &step(OrderStatus::EnrouteToDropoff, OrderStatus::Failed));
        assert_eq!(order.ended_at, None, "it comes back, or is tried again");
        let again = OrderStatusChanged { attempt: 2, ..step(OrderStatus::Failed, OrderStatus::Assigned) };
        assert_eq!(kinds(&order.moved(3, &again)), ["assigned"]);
        assert_eq!(order.attempt, 2);
        let wrong = OrderStatusChanged {
            correction: true,
            attempt: 2,
            ..step(OrderStatus::Delivered, OrderStatus::EnrouteToDropoff)
        };
        assert_eq!(kinds(&order.moved(4, &wrong)), ["corrected"]);
        assert!(order.is_under_way());
    }

    #[test]
    fn who_gives_an_order_back_has_it_no_more() {
        let mut order = delivery();
        order.assigned(2, &assigned_to(30), time("2026-11-20T12:00:00Z"));
        order.eta = Some(EtaWindow::example());
        order.moved(3, &step(OrderStatus::Assigned, OrderStatus::Created));
        assert_eq!((order.driver_id, &order.eta), (None, &None));
        order.cancelled(4);
        assert!(order.called_off);
    }
}
