//! When an order will be at its drop-off.
//!
//! From the driver's last position through all stops before it, in the order of the route (what the route does not name comes
//! behind it, pick-up before drop-off): travel by the vehicle's profile, waiting until the goods are ready and the window
//! opens, and the time at each stop. What was learned from finished deliveries ([`Learned`]) corrects each part and their sum,
//! and makes a window that holds as often as it says. Before anything was learned the window is a rule of thumb
//! ([`eta::conformal::rule_of_thumb`]).

use ::eta::residual::Circumstances;
use contracts::dispatch::RouteStop;
use contracts::orders::OrderStatus;
use contracts::tracking::EtaWindow;
use kernel::geo::Position;
use kernel::ids::{OrderId, ShopId};
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::Leg;

use super::delivery::Delivery;
use super::learned::{self, Learned};
use super::timeline::{Notice, Stop};

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
    /// How long it takes there, seconds, as planned.
    pub service_s: u32,
    /// When its window opens.
    pub from: Option<Timestamp>,
    /// When the goods are said to be ready, at a pick-up.
    pub ready_at: Option<Timestamp>,
    /// Whose goods.
    pub shop_id: Option<ShopId>,
    /// Whether the goods are still to be picked up.
    pub before_pickup: bool,
}

impl Halt {
    /// Which end of the order it is.
    pub fn stop(&self) -> Stop {
        if self.dropoff { Stop::Dropoff } else { Stop::Pickup }
    }
}

/// When a drop-off is expected, with what it was calculated from.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Of which order.
    pub order_id: OrderId,
    /// What people are told.
    pub window: EtaWindow,
    /// Whether the window was measured; otherwise it is a rule of thumb.
    pub calibrated: bool,
    /// What the parts add up to, and what else is known.
    pub known: Circumstances,
    /// The factor of the driver's shift.
    pub shift: f64,
    /// Minute of the day by the shop's wall clock.
    pub minute: u16,
}

/// The way to the next stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Of which order.
    pub order_id: OrderId,
    /// To which of its ends.
    pub stop: Stop,
    /// Who said how long it takes, and for whom: `roads/bicycle`.
    pub source: String,
    /// Hour of the day by the shop's wall clock.
    pub hour: u8,
    /// Seconds that the source said.
    pub said_s: f64,
    /// The same by class of road, turns last, where the source knows roads.
    pub class_s: Option<Vec<f64>>,
    /// Seconds after what was learned.
    pub expected_s: f64,
    /// Metres.
    pub distance_m: f64,
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
    Some(Halt {
        order_id: order.order_id,
        dropoff,
        position: stop.position?,
        service_s: stop.service_s,
        from: stop.from,
        ready_at: if dropoff { None } else { order.facts.ready_at },
        shop_id: order.facts.shop_id,
        before_pickup: order.awaits_pickup(),
    })
}

/// A way as its source says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// All of it.
    pub leg: Leg,
    /// Its seconds by class of road, turns last, where the source knows roads.
    pub class_s: Option<Vec<f64>>,
}

/// The expected times of all drop-offs; `ways` lead from halt to halt, the first from the driver's position.
pub fn forecast(
    halts: &[Halt],
    ways: &[Said],
    source: &str,
    learned: &Learned<'_>,
    now: Timestamp,
) -> Vec<Forecast> {
    let mut forecasts = Vec::new();
    // Of the parts, seconds from now.
    let (mut parts_s, mut distance_m) = (0.0_f64, 0.0);
    for (index, (halt, way)) in (0_u32..).zip(halts.iter().zip(ways)) {
        parts_s += learned.way_s(source, halt.shop_id, later(now, whole(parts_s)), way);
        parts_s = parts_s.max(learned.waits_until_s(halt, now));
        distance_m += f64::from(way.leg.distance_m);
        if halt.dropoff {
            let clock = learned.clocks.at(halt.shop_id, now);
            let known = Circumstances {
                time_of_day: clock.part_of_day(),
                weekend: clock.weekend,
                parts_s,
                stops_before: index,
                distance_m,
                before_pickup: halt.before_pickup,
            };
            let window = learned.model.window(&known, learned.shift);
            forecasts.push(Forecast {
                order_id: halt.order_id,
                window: told(now, &window, halt.from, source),
                calibrated: window.calibrated,
                known,
                shift: learned.shift,
                minute: clock.minute,
            });
        }
        parts_s += learned.stop_s(halt);
    }
    forecasts
}

/// The way to the first halt.
pub fn first_way(halt: &Halt, said: &Said, source: &str, learned: &Learned<'_>, now: Timestamp) -> Way {
    Way {
        order_id: halt.order_id,
        stop: halt.stop(),
        source: learned.key(source),
        hour: learned.clocks.at(halt.shop_id, now).hour(),
        said_s: f64::from(said.leg.duration_s),
        class_s: said.class_s.clone(),
        expected_s: learned.way_s(source, halt.shop_id, now, said),
        distance_m: f64::from(said.leg.distance_m),
    }
}

/// A window of seconds as people are told it: in whole seconds, and not before the drop-off's own window opens.
fn told(now: Timestamp, window: &::eta::Window, opens: Option<Timestamp>, source: &str) -> EtaWindow {
    let calculated = later(now, whole(window.expected_s));
    let expected = opens.map_or(calculated, |opens| calculated.max(opens));
    EtaWindow {
        earliest: later(expected, -whole(window.expected_s - window.earliest_s)).max(now),
        expected,
        latest: later(expected, whole(window.latest_s - window.expected_s)),
        probability: learned::share(window.probability),
        source: source.to_owned(),
    }
}

/// Seconds without their fraction; what is beyond a year is a year.
pub(super) fn whole(seconds: f64) -> i64 {
    const YEAR_S: f64 = 31_536_000.0;
    #[expect(clippy::cast_possible_truncation, reason = "that is what it is for, and the range is limited")]
    let whole = seconds.clamp(-YEAR_S, YEAR_S) as i64;
    whole
}

pub(super) fn later(at: Timestamp, seconds: i64) -> Timestamp {
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
    use crate::domain::learned::Clocks;
    use contracts::orders::OrderFacts;
    use kernel::ids::{StopId, Uuid};
    use kernel::travel::Profile;
    use proptest::prelude::*;

    const NOON: &str = "2026-11-20T12:00:00Z";

    fn window(now: Timestamp, expected: Timestamp, source: &str) -> EtaWindow {
        let remaining_s = expected.duration_since(now).as_secs_f64();
        told(now, &::eta::conformal::rule_of_thumb(remaining_s, 0.8), None, source)
    }

    fn said(leg: Leg) -> Said {
        Said { leg, class_s: None }
    }

    /// What an organisation expects that has learned nothing yet.
    fn forecast(
        halts: &[Halt],
        leg: impl Fn(usize, usize) -> Option<Leg>,
        now: Timestamp,
    ) -> Vec<(OrderId, EtaWindow)> {
        let (model, clocks) = (::eta::Model::default(), Clocks::new(&[]));
        let learned = Learned { model: &model, shift: 1.0, clocks: &clocks, profile: Profile::Car };
        let ways: Vec<Said> = (0..halts.len()).map_while(|from| Some(said(leg(from, from + 1)?))).collect();
        let forecasts = super::forecast(halts, &ways, "test", &learned, now);
        forecasts.into_iter().map(|forecast| (forecast.order_id, forecast.window)).collect()
    }

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
        let windows = forecast(&halts, |_, _| Some(TEN_MINUTES), time(NOON));
        // 10 min there, 5 min until it is ready, 2 min to take it, 10 min to the door.
        assert_eq!(windows[0].1.expected, time("2026-11-20T12:27:00Z"));
        assert_eq!(windows[0].1.source, "test");
        assert!(forecast(&halts, |_, _| None, time(NOON)).is_empty(), "no way");
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
            let windows = forecast(&halts, leg, time(NOON));
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

    #[test]
    fn what_was_learned_corrects_each_part() {
        use ::eta::legs::{Leg as Drove, Legs};
        use ::eta::preparation::{Preparation, Ready};
        let slow = Drove { source: "test/car".to_owned(), hour: 12, said_s: 600.0, took_s: 900.0 };
        let late =
            Ready { shop: OrderFacts::example().shop_id.unwrap().uuid().as_u128(), hour: 12, late_s: 600.0 };
        let mut model = ::eta::Model::default();
        model.legs = Legs::learn(&vec![slow; 400]);
        model.preparation = Preparation::learn(&vec![late; 400]);
        let clocks = Clocks::new(&[]);
        let learned = Learned { model: &model, shift: 1.0, clocks: &clocks, profile: Profile::Car };
        let mut order = order(1, OrderStatus::Assigned);
        order.facts.ready_at = Some(time("2026-11-20T12:10:00Z"));
        let halts = plan(&[order], &[]);
        let ways = vec![said(TEN_MINUTES); halts.len()];
        let found = super::forecast(&halts, &ways, "test", &learned, time(NOON));
        // Goods at 12:20 instead of 12:10, two minutes there, a quarter of an hour instead of ten minutes.
        let minutes = found[0].window.expected.duration_since(time(NOON)).as_secs_f64() / 60.0;
        assert!((36.0..37.5).contains(&minutes), "{minutes}");
        assert_eq!(
            (found[0].known.stops_before, found[0].known.before_pickup, found[0].minute),
            (1, true, 720)
        );
        let way = first_way(&halts[0], &ways[0], "test", &learned, time(NOON));
        assert_eq!(
            (way.stop, way.source.as_str(), way.hour, way.said_s),
            (Stop::Pickup, "test/car", 12, 600.0)
        );
        assert!((880.0..=900.0).contains(&way.expected_s), "{}", way.expected_s);
    }

    #[test]
    fn a_slow_shift_does_not_bring_anybody_before_the_window_opens() {
        let model = ::eta::Model::default();
        let clocks = Clocks::new(&[]);
        let learned = Learned { model: &model, shift: 0.8, clocks: &clocks, profile: Profile::Car };
        let mut order = order(1, OrderStatus::PickedUp);
        order.facts.dropoff.from = Some(time("2026-11-20T13:00:00Z"));
        let found = super::forecast(&plan(&[order], &[]), &[said(TEN_MINUTES)], "test", &learned, time(NOON));
        assert_eq!(found[0].window.expected, time("2026-11-20T13:00:00Z"));
    }

    #[test]
    fn where_roads_are_known_the_factor_of_each_class_counts_and_not_the_sources() {
        use ::eta::legs::{Leg as Drove, Legs};
        use ::eta::speeds::{Drive, learn};
        let drive = |number: u32| {
            let (main, side) = (f64::from(number % 7) * 60.0 + 60.0, f64::from(number % 5) * 60.0 + 60.0);
            Drive {
                profile: "car".to_owned(),
                hour: 12,
                class_s: vec![main, side],
                took_s: main * 2.0 + side,
            }
        };
        let mut model = ::eta::Model::default();
        model.speeds = learn(&(0..400).map(drive).collect::<Vec<_>>());
        let slow = Drove { source: "roads/car".to_owned(), hour: 12, said_s: 600.0, took_s: 2_400.0 };
        model.legs = Legs::learn(&vec![slow; 400]);
        let clocks = Clocks::new(&[]);
        let learned = Learned { model: &model, shift: 1.0, clocks: &clocks, profile: Profile::Car };
        let way = |class_s: &[f64]| {
            let said = Said { leg: TEN_MINUTES, class_s: Some(class_s.to_vec()) };
            learned.way_s("roads", None, time(NOON), &said)
        };
        let (on_main, on_side) = (way(&[600.0, 0.0]), way(&[0.0, 600.0]));
        assert!((on_main - 1_200.0).abs() < 60.0 && (on_side - 600.0).abs() < 60.0, "{on_main} {on_side}");
        let unknown = learned.way_s("roads", None, time(NOON), &said(TEN_MINUTES));
        assert!(unknown > 2_000.0, "without classes the factor of the source counts: {unknown}");
    }
}
