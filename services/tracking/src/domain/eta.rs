//! When an order will be at its drop-off.
//!
//! From the driver's last position through all stops before it, in the order of the route (what the route does not name comes
//! behind it, pick-up before drop-off): travel by the vehicle's profile, waiting until the goods are ready and the window
//! opens, and the time at each stop. The window around the expected time grows with the time that remains: a tenth of it but at
//! least three minutes before, a quarter but at least five minutes after, because deliveries are late more often, and by
//! more, than early. The stated probability is the aim that measurements are held against.

use contracts::dispatch::RouteStop;
use contracts::orders::OrderStatus;
use contracts::tracking::EtaWindow;
use kernel::geo::Position;
use kernel::ids::OrderId;
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::Leg;

use super::delivery::Delivery;
use super::timeline::Notice;

/// How often such windows hold.
const PROBABILITY: f32 = 0.8;
/// The least before the expected time.
const EARLY: SignedDuration = SignedDuration::from_mins(3);
/// The least after it.
const LATE: SignedDuration = SignedDuration::from_mins(5);
/// A change that customers are told.
const MOVED: SignedDuration = SignedDuration::from_mins(2);
/// At most so often by positions.
pub const PAUSE: SignedDuration = SignedDuration::from_secs(20);
/// Farther ahead nothing is calculated: it would be wrong, and the table of ways grows with the square.
const MAX_HALTS: usize = 20;

/// One stop that is still to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Halt {
    /// Of which order.
    pub order_id: OrderId,
    /// Whether this is its drop-off.
    pub dropoff: bool,
    /// Where.
    pub position: Position,
    /// How long it takes there, seconds.
    pub service_s: u32,
    /// What it waits for.
    pub not_before: Option<Timestamp>,
}

/// The stops that a driver still has to make, in order, as far as their places are known.
pub fn plan(orders: &[Delivery], route: &[RouteStop]) -> Vec<Halt> {
    let mut stops: Vec<(&Delivery, bool)> = Vec::new();
    let planned = |stops: &[(&Delivery, bool)], order: &Delivery, dropoff: bool| {
        stops.iter().any(|(known, is_dropoff)| known.order_id == order.order_id && *is_dropoff == dropoff)
    };
    for stop in route {
        let order = orders.iter().find(|order| order.order_id == stop.order_id && order.is_under_way());
        let Some(order) = order else { continue };
        if order.awaits_pickup() && !planned(&stops, order, false) {
            stops.push((order, false));
        }
        if stop.kind == "dropoff" && !planned(&stops, order, true) {
            stops.push((order, true));
        }
    }
    let mut others: Vec<&Delivery> = orders.iter().filter(|order| order.is_under_way()).collect();
    others.sort_by_key(|order| (std::cmp::Reverse(order.status), order.facts.placed_at, order.order_id));
    for order in others {
        for dropoff in [false, true] {
            let needed = dropoff || order.awaits_pickup();
            if needed && !planned(&stops, order, dropoff) {
                stops.push((order, dropoff));
            }
        }
    }
    stops.into_iter().map_while(|(order, dropoff)| halt(order, dropoff)).take(MAX_HALTS).collect()
}

fn halt(order: &Delivery, dropoff: bool) -> Option<Halt> {
    let stop = if dropoff { &order.facts.dropoff } else { &order.facts.pickup };
    let ready = if dropoff { None } else { order.facts.ready_at };
    Some(Halt {
        order_id: order.order_id,
        dropoff,
        position: stop.position?,
        service_s: stop.service_s,
        not_before: stop.from.max(ready),
    })
}

/// The expected times of all drop-offs; `leg` gives the way from halt to halt, 0 being the driver's position.
pub fn forecast(
    halts: &[Halt],
    leg: impl Fn(usize, usize) -> Option<Leg>,
    source: &str,
    now: Timestamp,
) -> Vec<(OrderId, EtaWindow)> {
    let mut windows = Vec::new();
    let mut time = now;
    for (index, halt) in halts.iter().enumerate() {
        let Some(leg) = leg(index, index + 1) else { break };
        time = later(time, i64::from(leg.duration_s)).max(halt.not_before.unwrap_or(time));
        if halt.dropoff {
            windows.push((halt.order_id, window(now, time, source)));
        }
        time = later(time, i64::from(halt.service_s));
    }
    windows
}

/// The window around an expected time.
pub fn window(now: Timestamp, expected: Timestamp, source: &str) -> EtaWindow {
    let remaining = expected.duration_since(now).as_secs().max(0);
    let early = EARLY.as_secs().max(remaining / 10);
    let late = LATE.as_secs().max(remaining / 4);
    EtaWindow {
        earliest: later(expected, -early).max(now),
        expected,
        latest: later(expected, late),
        probability: PROBABILITY,
        source: source.to_owned(),
    }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// Whether it is time to calculate again because of a position.
pub fn is_due(delivery: &Delivery, now: Timestamp) -> bool {
    delivery.is_under_way() && delivery.eta_at.is_none_or(|at| now.duration_since(at) >= PAUSE)
}

/// Takes a new window for a delivery. What customers should hear of it comes back.
pub fn take(delivery: &mut Delivery, window: EtaWindow, now: Timestamp) -> Vec<Notice> {
    if !delivery.is_under_way() {
        return Vec::new();
    }
    let mut notices = Vec::new();
    let moved = delivery.eta_told.is_none_or(|told| window.expected.duration_since(told).abs() > MOVED);
    if moved {
        delivery.eta_told = Some(window.expected);
        delivery.eta_count += 1;
        notices.push(Notice::EtaChanged(window.clone()));
    }
    if let Some(promised_until) = delivery.facts.dropoff.until {
        let there = delivery.status == OrderStatus::ArrivedAtDropoff;
        if window.expected > promised_until && delivery.delayed_until != Some(promised_until) && !there {
            delivery.delayed_until = Some(promised_until);
            delivery.delayed_count += 1;
            notices.push(Notice::Delayed { promised_until, expected: window.expected, at: now });
        }
    }
    delivery.eta = Some(window);
    delivery.eta_at = Some(now);
    notices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::tests::{assigned_to, delivery, step, time};
    use kernel::ids::{StopId, Uuid};
    use proptest::prelude::*;

    const NOON: &str = "2026-11-20T12:00:00Z";

    fn order(number: u128, status: OrderStatus) -> Delivery {
        let mut order = delivery();
        order.order_id = OrderId::new(Uuid::from_u128(number));
        order.facts.ready_at = None;
        order.assigned(2, &assigned_to(30), time("2026-11-20T11:00:00Z"));
        order.moved(3, &step(OrderStatus::Assigned, status));
        order
    }

    fn stop(number: u128, kind: &str) -> RouteStop {
        let (stop_id, order_id) = (StopId::new(Uuid::from_u128(1)), OrderId::new(Uuid::from_u128(number)));
        RouteStop { stop_id, order_id, kind: kind.to_owned(), locked: false }
    }

    fn names(halts: &[Halt]) -> Vec<(u128, bool)> {
        halts.iter().map(|halt| (halt.order_id.uuid().as_u128(), halt.dropoff)).collect()
    }

    const TEN_MINUTES: Leg = Leg { duration_s: 600, distance_m: 3_000 };

    #[test]
    fn without_a_route_the_pick_up_comes_before_the_drop_off() {
        assert_eq!(names(&plan(&[order(1, OrderStatus::Assigned)], &[])), [(1, false), (1, true)]);
        assert_eq!(names(&plan(&[order(1, OrderStatus::PickedUp)], &[])), [(1, true)]);
        assert_eq!(names(&plan(&[order(1, OrderStatus::Delivered)], &[])), []);
    }

    #[test]
    fn a_route_decides_the_order_and_what_it_does_not_name_comes_last() {
        let orders = [
            order(1, OrderStatus::PickedUp),
            order(2, OrderStatus::Assigned),
            order(3, OrderStatus::Assigned),
        ];
        let route = [stop(2, "pickup"), stop(1, "dropoff"), stop(2, "dropoff"), stop(9, "dropoff")];
        let expected = [(2, false), (1, true), (2, true), (3, false), (3, true)];
        assert_eq!(names(&plan(&orders, &route)), expected);
        let forgetful = [stop(2, "dropoff")];
        assert_eq!(
            names(&plan(&orders[1..2], &forgetful)),
            [(2, false), (2, true)],
            "never before its pick-up"
        );
    }

    #[test]
    fn a_place_that_is_not_known_ends_what_can_be_said() {
        let mut unknown = order(1, OrderStatus::PickedUp);
        unknown.facts.dropoff.position = None;
        let orders = [unknown, order(2, OrderStatus::PickedUp)];
        let route = [stop(2, "dropoff"), stop(1, "dropoff")];
        assert_eq!(names(&plan(&orders, &route)), [(2, true)]);
    }

    #[test]
    fn travel_waiting_and_service_add_up() {
        let mut waits = order(1, OrderStatus::Assigned);
        waits.facts.ready_at = Some(time("2026-11-20T12:15:00Z"));
        let halts = plan(&[waits], &[]);
        let windows = forecast(&halts, |_, _| Some(TEN_MINUTES), "test", time(NOON));
        // 10 min there, 5 min until it is ready, 2 min to take it, 10 min to the door.
        assert_eq!(windows[0].1.expected, time("2026-11-20T12:27:00Z"));
        assert_eq!(windows[0].1.source, "test");
        assert!(forecast(&halts, |_, _| None, "test", time(NOON)).is_empty(), "no way");
    }

    #[test]
    fn the_window_grows_with_what_remains() {
        let short = window(time(NOON), time("2026-11-20T12:10:00Z"), "test");
        assert_eq!(
            (short.earliest, short.latest),
            (time("2026-11-20T12:07:00Z"), time("2026-11-20T12:15:00Z"))
        );
        let long = window(time(NOON), time("2026-11-20T13:40:00Z"), "test");
        assert_eq!(
            (long.earliest, long.latest),
            (time("2026-11-20T13:30:00Z"), time("2026-11-20T14:05:00Z"))
        );
        let now = window(time(NOON), time("2026-11-20T12:01:00Z"), "test");
        assert_eq!(now.earliest, time(NOON), "not in the past");
    }

    #[test]
    fn customers_hear_of_the_first_time_and_of_more_than_two_minutes() {
        let mut order = order(1, OrderStatus::PickedUp);
        let at = |minute: &str| window(time(NOON), time(&format!("2026-11-20T12:{minute}Z")), "test");
        assert_eq!(take(&mut order, at("20:00"), time(NOON)).len(), 1);
        assert_eq!(take(&mut order, at("22:00"), time(NOON)).len(), 0);
        assert_eq!(take(&mut order, at("22:01"), time(NOON)).len(), 1);
        assert_eq!((order.eta_count, order.eta_told), (2, Some(time("2026-11-20T12:22:01Z"))));
    }

    #[test]
    fn a_delay_is_told_once_until_the_promise_changes() {
        let mut order = order(1, OrderStatus::PickedUp);
        let late = || window(time(NOON), time("2026-11-20T12:46:00Z"), "test");
        let told = take(&mut order, late(), time(NOON));
        assert!(matches!(told[..], [Notice::EtaChanged(_), Notice::Delayed { .. }]), "{told:?}");
        assert!(take(&mut order, late(), time(NOON)).is_empty());
        order.facts.dropoff.until = Some(time("2026-11-20T12:30:00Z"));
        assert_eq!(take(&mut order, late(), time(NOON)).len(), 1);
    }

    #[test]
    fn positions_make_it_calculate_every_twenty_seconds_at_most() {
        let mut order = order(1, OrderStatus::PickedUp);
        assert!(is_due(&order, time(NOON)));
        take(&mut order, window(time(NOON), time("2026-11-20T12:20:00Z"), "test"), time(NOON));
        assert!(!is_due(&order, time("2026-11-20T12:00:19Z")));
        assert!(is_due(&order, time("2026-11-20T12:00:20Z")));
        assert!(!is_due(&self::order(1, OrderStatus::Delivered), time(NOON)));
    }

    proptest! {
        #[test]
        fn a_window_holds_its_expected_time(remaining in -600_i64..86_400) {
            let now = time(NOON);
            let expected = later(now, remaining);
            let window = window(now, expected, "test");
            prop_assert!(window.earliest <= window.expected.max(now) && window.expected < window.latest);
            prop_assert!(window.earliest >= now);
        }

        /// Who comes later on the route is not expected earlier.
        #[test]
        fn drop_offs_are_expected_in_the_order_of_the_route(
            statuses in prop::collection::vec(1_usize..7, 1..8),
            legs in prop::collection::vec(0_u32..3_600, 20),
        ) {
            let orders: Vec<Delivery> = statuses
                .iter()
                .enumerate()
                .map(|(index, status)| order(u128::try_from(index).unwrap() + 1, OrderStatus::ALL[*status]))
                .collect();
            let route: Vec<RouteStop> = (1..=orders.len())
                .map(|number| stop(u128::try_from(number).unwrap(), "dropoff"))
                .collect();
            let halts = plan(&orders, &route);
            let leg = |from: usize, _: usize| Some(Leg { duration_s: legs[from], distance_m: 0 });
            let windows = forecast(&halts, leg, "test", time(NOON));
            prop_assert_eq!(windows.len(), orders.len());
            prop_assert!(windows.is_sorted_by_key(|(_, window)| window.expected));
            for (id, _) in &windows {
                let pickup = halts.iter().position(|halt| halt.order_id == *id && !halt.dropoff);
                let dropoff = halts.iter().position(|halt| halt.order_id == *id && halt.dropoff);
                prop_assert!(pickup.is_none_or(|pickup| Some(pickup) < dropoff), "picked up before");
            }
        }
    }

    #[test]
    fn far_ahead_nothing_is_calculated() {
        let orders: Vec<Delivery> = (1..=15).map(|number| order(number, OrderStatus::Assigned)).collect();
        assert_eq!(plan(&orders, &[]).len(), MAX_HALTS);
    }

    #[test]
    fn who_is_at_the_door_is_late_no_more() {
        let mut order = order(1, OrderStatus::ArrivedAtDropoff);
        let late = window(time(NOON), time("2026-11-20T12:50:00Z"), "test");
        let told = take(&mut order, late, time(NOON));
        assert!(matches!(told[..], [Notice::EtaChanged(_)]), "{told:?}");
    }
}
