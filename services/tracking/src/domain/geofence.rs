//! What a position says about an order: near, there, gone.
//!
//! | noticed | when | how often |
//! |---|---|---|
//! | arriving | on the way to the drop-off, within the organisation's distance (300 m) or two minutes of it | once per attempt |
//! | arrived | on the way to a stop, within 60 m of it by two positions in a row that are good to 50 m | once per attempt and stop |
//! | left | at a stop by status, and more than 150 m from it by a good position | once per attempt and stop |
//!
//! Two positions, because one may be a reflection between houses; 150 m to leave, because 60 m would be left and reached all
//! the time. A position counts once, and only if it is newer than those that counted.

use contracts::orders::OrderStatus;
use kernel::geo::Position;
use kernel::ids::DriverId;
use kernel::time::{SignedDuration, Timestamp};

use super::delivery::{Delivery, Near};
use super::timeline::{Notice, Stop};

/// "There" begins here.
const ARRIVED_M: f64 = 60.0;
/// "Gone" begins here.
const LEFT_M: f64 = 150.0;
/// Positions that are worse say nothing about a door.
const GOOD_M: f32 = 50.0;
/// So many of them in a row.
const FIXES: i16 = 2;
/// "Nearly there", by time.
const SOON: SignedDuration = SignedDuration::from_mins(2);

/// A driver's newest position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Who.
    pub driver_id: DriverId,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub position: Position,
    /// Radius of the error, metres.
    pub accuracy_m: Option<f32>,
}

/// Looks at a delivery from a position. What was noticed is marked in it.
pub fn look(delivery: &mut Delivery, seen: &Seen, arriving_distance_m: u32) -> Vec<Notice> {
    if delivery.driver_id != Some(seen.driver_id) || delivery.ended_at.is_some() {
        return Vec::new();
    }
    let notices =
        [arriving(delivery, seen, arriving_distance_m), arrived(delivery, seen), left(delivery, seen)];
    notices.into_iter().flatten().collect()
}

fn place(delivery: &Delivery, stop: Stop) -> Option<Position> {
    match stop {
        Stop::Pickup => delivery.facts.pickup.position,
        Stop::Dropoff => delivery.facts.dropoff.position,
    }
}

fn arriving(delivery: &mut Delivery, seen: &Seen, within_m: u32) -> Option<Notice> {
    let told = delivery.arriving_attempt == Some(delivery.attempt);
    if delivery.status != OrderStatus::EnrouteToDropoff || told {
        return None;
    }
    let distance = place(delivery, Stop::Dropoff)?.distance_m(seen.position);
    let soon = delivery.eta.as_ref().is_some_and(|eta| eta.expected.duration_since(seen.at) <= SOON);
    if distance > f64::from(within_m) && !soon {
        return None;
    }
    delivery.arriving_attempt = Some(delivery.attempt);
    Some(Notice::Arriving { driver_id: seen.driver_id, distance_m: whole_metres(distance), at: seen.at })
}

fn arrived(delivery: &mut Delivery, seen: &Seen) -> Option<Notice> {
    let stop = match delivery.status {
        OrderStatus::EnrouteToPickup => Stop::Pickup,
        OrderStatus::EnrouteToDropoff => Stop::Dropoff,
        _ => return None,
    };
    let known = delivery.arrived == Some((stop, delivery.attempt));
    let counted = delivery.near.at.is_some_and(|at| seen.at <= at);
    if known || counted {
        return None;
    }
    let there = is_good(seen) && place(delivery, stop)?.distance_m(seen.position) <= ARRIVED_M;
    if !there {
        // Nothing to forget is nothing to write down.
        if delivery.near.fixes > 0 {
            delivery.near = Near { stop: Some(stop), fixes: 0, at: Some(seen.at) };
        }
        return None;
    }
    let before = if delivery.near.stop == Some(stop) { delivery.near.fixes } else { 0 };
    delivery.near = Near { stop: Some(stop), fixes: before + 1, at: Some(seen.at) };
    if delivery.near.fixes < FIXES {
        return None;
    }
    delivery.arrived = Some((stop, delivery.attempt));
    Some(Notice::Arrived { driver_id: seen.driver_id, stop, at: seen.at, position: seen.position })
}

fn left(delivery: &mut Delivery, seen: &Seen) -> Option<Notice> {
    let (stop, kind) = match delivery.status {
        OrderStatus::ArrivedAtPickup => (Stop::Pickup, "left_pickup"),
        OrderStatus::ArrivedAtDropoff => (Stop::Dropoff, "left_dropoff"),
        _ => return None,
    };
    let known = delivery.left == Some((stop, delivery.attempt));
    // A position from before the arrival says nothing about leaving.
    if known || !is_good(seen) || seen.at <= delivery.status_at {
        return None;
    }
    if place(delivery, stop)?.distance_m(seen.position) <= LEFT_M {
        return None;
    }
    delivery.left = Some((stop, delivery.attempt));
    Some(Notice::Row { kind, at: seen.at })
}

fn is_good(seen: &Seen) -> bool {
    seen.accuracy_m.is_some_and(|accuracy| accuracy <= GOOD_M)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts from float to integer saturate, and a distance is not negative"
)]
fn whole_metres(distance: f64) -> u32 {
    distance.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::tests::{assigned_to, delivery, driver, step, time};
    use contracts::tracking::EtaWindow;
    use proptest::prelude::*;

    /// So many metres north of the drop-off (or pick-up) of the example.
    fn north_of(stop: Stop, metres: f64, at: &str) -> Seen {
        let facts = delivery().facts;
        let door = match stop {
            Stop::Pickup => facts.pickup.position,
            Stop::Dropoff => facts.dropoff.position,
        };
        let door = door.unwrap();
        let position = Position::new(door.lat() + metres / 111_195.0, door.lon()).unwrap();
        Seen { driver_id: driver(30), at: time(at), position, accuracy_m: Some(10.0) }
    }

    fn at(status: OrderStatus) -> Delivery {
        let mut order = delivery();
        order.assigned(2, &assigned_to(30), time("2026-11-20T11:00:00Z"));
        order.moved(3, &step(OrderStatus::Assigned, status));
        order
    }

    const NOON: &str = "2026-11-20T12:01:00Z";
    const LATER: &str = "2026-11-20T12:01:10Z";

    #[test]
    fn arriving_is_told_once_per_attempt_by_distance_or_by_time() {
        let mut order = at(OrderStatus::EnrouteToDropoff);
        assert_eq!(look(&mut order, &north_of(Stop::Dropoff, 310.0, NOON), 300), []);
        let told = look(&mut order, &north_of(Stop::Dropoff, 290.0, LATER), 300);
        assert!(matches!(told[..], [Notice::Arriving { distance_m: 290, .. }]), "{told:?}");
        assert_eq!(look(&mut order, &north_of(Stop::Dropoff, 200.0, "2026-11-20T12:02:00Z"), 300), []);
        let mut soon = at(OrderStatus::EnrouteToDropoff);
        soon.eta = Some(EtaWindow { expected: time("2026-11-20T12:03:00Z"), ..EtaWindow::example() });
        assert_eq!(look(&mut soon, &north_of(Stop::Dropoff, 900.0, NOON), 300).len(), 1);
        order.attempt = 2;
        assert_eq!(look(&mut order, &north_of(Stop::Dropoff, 200.0, "2026-11-20T12:03:00Z"), 300).len(), 1);
    }

    #[test]
    fn an_arrival_takes_two_good_positions_in_a_row() {
        let mut order = at(OrderStatus::EnrouteToPickup);
        assert_eq!(look(&mut order, &north_of(Stop::Pickup, 50.0, NOON), 300), []);
        assert_eq!(look(&mut order, &north_of(Stop::Pickup, 50.0, NOON), 300), [], "the same position again");
        let away = north_of(Stop::Pickup, 70.0, "2026-11-20T12:01:05Z");
        assert_eq!(look(&mut order, &away, 300), [], "not in a row");
        assert_eq!(look(&mut order, &north_of(Stop::Pickup, 50.0, LATER), 300), []);
        let unsure = Seen { accuracy_m: Some(51.0), ..north_of(Stop::Pickup, 5.0, "2026-11-20T12:01:20Z") };
        assert_eq!(look(&mut order, &unsure, 300), []);
        assert_eq!(look(&mut order, &north_of(Stop::Pickup, 5.0, "2026-11-20T12:01:30Z"), 300), []);
        let there = look(&mut order, &north_of(Stop::Pickup, 5.0, "2026-11-20T12:01:40Z"), 300);
        assert!(matches!(there[..], [Notice::Arrived { stop: Stop::Pickup, .. }]), "{there:?}");
        assert_eq!(look(&mut order, &north_of(Stop::Pickup, 5.0, "2026-11-20T12:01:50Z"), 300), [], "once");
    }

    #[test]
    fn a_stop_is_left_by_a_good_position_after_the_arrival() {
        let mut order = at(OrderStatus::ArrivedAtDropoff);
        assert_eq!(look(&mut order, &north_of(Stop::Dropoff, 100.0, NOON), 300), []);
        let before = north_of(Stop::Dropoff, 500.0, "2026-11-20T11:59:00Z");
        assert_eq!(look(&mut order, &before, 300), [], "on the way there");
        let left = look(&mut order, &north_of(Stop::Dropoff, 160.0, LATER), 300);
        assert_eq!(left, [Notice::Row { kind: "left_dropoff", at: time(LATER) }]);
        assert_eq!(look(&mut order, &north_of(Stop::Dropoff, 900.0, "2026-11-20T12:09:00Z"), 300), []);
    }

    #[test]
    fn only_the_driver_who_has_it_and_only_certain_statuses_count() {
        let here = north_of(Stop::Dropoff, 5.0, NOON);
        for status in OrderStatus::ALL {
            let mut order = at(status);
            let noticed = !look(&mut order, &here, 300).is_empty();
            // At the drop-off: near it on the way there, and far from a pick-up that was reached.
            let expected = matches!(status, OrderStatus::EnrouteToDropoff | OrderStatus::ArrivedAtPickup);
            assert_eq!(noticed, expected, "{status:?}");
        }
        let mut order = at(OrderStatus::EnrouteToDropoff);
        let other = Seen { driver_id: driver(31), ..here };
        assert_eq!(look(&mut order, &other, 300), []);
    }

    proptest! {
        /// However a driver wanders about, and however bad the receiver is: one arrival and one "nearly there" per attempt.
        #[test]
        fn nothing_is_told_twice_in_one_attempt(
            walk in prop::collection::vec((0.0_f64..2_000.0, 1.0_f32..200.0), 1..60),
        ) {
            let mut order = at(OrderStatus::EnrouteToDropoff);
            let start = time(NOON);
            let (mut near, mut there) = (0, 0);
            for (index, (metres, accuracy)) in walk.into_iter().enumerate() {
                let seconds = i64::try_from(index).unwrap() * 10;
                let at = start.checked_add(SignedDuration::from_secs(seconds)).unwrap();
                let seen = Seen { at, accuracy_m: Some(accuracy), ..north_of(Stop::Dropoff, metres, NOON) };
                for notice in look(&mut order, &seen, 300) {
                    match notice {
                        Notice::Arriving { .. } => near += 1,
                        Notice::Arrived { .. } => there += 1,
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
            }
            prop_assert!(near <= 1 && there <= 1);
            prop_assert!(there <= near, "who is there was near");
        }

        /// Positions that come in another order or twice count as they would have in theirs, or not at all.
        #[test]
        fn old_positions_do_not_make_an_arrival(ago in 0_i64..1_000) {
            let mut order = at(OrderStatus::EnrouteToPickup);
            let here = north_of(Stop::Pickup, 5.0, LATER);
            prop_assert!(look(&mut order, &here, 300).is_empty());
            let old = Seen { at: here.at.checked_sub(SignedDuration::from_secs(ago)).unwrap(), ..here };
            prop_assert!(look(&mut order, &old, 300).is_empty());
        }
    }
}
