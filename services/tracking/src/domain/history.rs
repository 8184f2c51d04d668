//! What finished deliveries teach: which stops were reached, how long stops took, how late goods were.
//!
//! When goods were really ready nobody says. It follows from what couriers did:
//!
//! | the courier | teaches |
//! |---|---|
//! | was there before the goods were to be ready | ready a hand-over before the pick-up |
//! | came later and left soon | ready when the courier came; if that was within minutes of the promise: on time |
//! | came later and waited | ready a hand-over before the pick-up |
//!
//! Who waited for goods says nothing about how long a hand-over takes.

use ::eta::History;
use ::eta::legs::Leg;
use ::eta::preparation::Ready;
use ::eta::residual::{Circumstances, Outcome};
use ::eta::speeds::Drive;
use ::eta::stops::Stop as TimedStop;
use contracts::orders::{OrderFacts, OrderStatus, StopFacts};
use kernel::ids::{OrderId, ShopId};
use kernel::time::Timestamp;

use super::delivery::Delivery;
use super::learned::{Clocks, address_key, part_of_day, shop_key};
use super::timeline::Stop;

/// A hand-over that takes so much longer than planned was a wait, seconds.
const WAITED_S: f64 = 120.0;
/// Who comes so much after the promise cannot tell whether goods were ready in time, seconds.
const SOON_S: f64 = 300.0;

/// A delivery that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Places and times.
    pub facts: OrderFacts,
    /// At the pick-up.
    pub arrived_at_pickup: Option<Timestamp>,
    /// On from there.
    pub picked_up: Option<Timestamp>,
    /// At the door.
    pub arrived_at_dropoff: Option<Timestamp>,
    /// Handed over.
    pub delivered: Option<Timestamp>,
}

/// A way that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedWay {
    /// Who said how long it takes, and for whom.
    pub source: String,
    /// Hour of the day when it began.
    pub hour: u8,
    /// Seconds that the source said.
    pub said_s: f64,
    /// The same by class of road, where the source knows roads.
    pub class_s: Option<Vec<f64>>,
    /// Seconds that it took.
    pub took_s: f64,
}

/// A prediction of which is known what happened.
#[derive(Debug, Clone, PartialEq)]
pub struct CameTrue {
    /// Of which order.
    pub order_id: OrderId,
    /// Minute of the day when it was made.
    pub minute: u16,
    /// Saturday or Sunday.
    pub weekend: bool,
    /// Seconds that the parts added up to.
    pub parts_s: f64,
    /// Stops before the door.
    pub stops_before: u32,
    /// Metres to the door.
    pub distance_m: f64,
    /// Whether the goods were still to be picked up.
    pub before_pickup: bool,
    /// The factor of the driver's shift.
    pub shift: f64,
    /// Seconds from the prediction to the door.
    pub took_s: f64,
}

/// The stops of an order that its new state says were reached, and it did not say before.
pub fn reached(before: &Delivery, after: &Delivery) -> Vec<Stop> {
    use OrderStatus::{ArrivedAtDropoff, ArrivedAtPickup, Delivered};
    let is_on = |status: OrderStatus, from: OrderStatus| (from..=Delivered).contains(&status);
    let newly = |from| is_on(after.status, from) && !is_on(before.status, from);
    let stops = [(Stop::Pickup, ArrivedAtPickup), (Stop::Dropoff, ArrivedAtDropoff)];
    // A failure on the way says nothing about the door; the return from it neither.
    stops
        .into_iter()
        .filter(|(_, from)| newly(*from) && after.status != OrderStatus::Failed)
        .map(|(stop, _)| stop)
        .collect()
}

/// Whether the door was reached before, and a correction says that it was not.
pub fn is_undone(before: &Delivery, after: &Delivery) -> bool {
    let there = |delivery: &Delivery| {
        matches!(delivery.status, OrderStatus::ArrivedAtDropoff | OrderStatus::Delivered)
    };
    there(before)
        && after.attempt == before.attempt
        && (OrderStatus::Assigned..OrderStatus::ArrivedAtDropoff).contains(&after.status)
}

/// All of it, as the model learns from it.
pub fn history(made: &[Made], ways: &[EndedWay], true_ones: &[CameTrue], clocks: &Clocks) -> History {
    let mut history = History {
        legs: ways.iter().map(leg).collect(),
        // The latest last: they are of the map that is in use.
        drives: ways.iter().rev().filter_map(drive).collect(),
        ..History::default()
    };
    history.outcomes = true_ones.iter().map(|one| (order_key(one.order_id), outcome(one))).collect();
    for made in made {
        let shop = made.facts.shop_id;
        if let (Some(from), Some(to)) = (made.arrived_at_dropoff, made.delivered) {
            history.stops.extend(timed(true, shop, &made.facts.dropoff, seconds(from, to)));
        }
        if let (Some(came), Some(left)) = (made.arrived_at_pickup, made.picked_up) {
            let (handed_over, late_s) = at_pickup(&made.facts, came, left);
            history.stops.extend(handed_over);
            let hour = made.facts.ready_at.map(|ready| usize::from(clocks.at(shop, ready).hour()));
            let ready = late_s.zip(hour).map(|(late_s, hour)| Ready { shop: shop_key(shop), hour, late_s });
            history.ready.extend(ready);
        }
    }
    history
}

/// What a pick-up teaches: how long a hand-over takes, or how late the goods were.
fn at_pickup(facts: &OrderFacts, came: Timestamp, left: Timestamp) -> (Option<TimedStop>, Option<f64>) {
    let planned_s = f64::from(facts.pickup.service_s);
    let stop = timed(false, facts.shop_id, &facts.pickup, seconds(came, left));
    let Some(ready) = facts.ready_at else { return (stop, None) };
    let waited = came <= ready || seconds(came, left) > planned_s + WAITED_S;
    if waited {
        return (None, Some(seconds(ready, left) - planned_s));
    }
    let on_time = seconds(ready, came) <= SOON_S;
    (stop, on_time.then_some(0.0))
}

fn timed(dropoff: bool, shop: Option<ShopId>, place: &StopFacts, took_s: f64) -> Option<TimedStop> {
    let address = address_key(place.position?);
    Some(TimedStop { dropoff, shop: shop_key(shop), address, took_s })
}

fn leg(way: &EndedWay) -> Leg {
    Leg { source: way.source.clone(), hour: usize::from(way.hour), said_s: way.said_s, took_s: way.took_s }
}

fn drive(way: &EndedWay) -> Option<Drive> {
    let (_, profile) = way.source.split_once('/')?;
    let class_s = way.class_s.clone()?;
    Some(Drive { profile: profile.to_owned(), hour: usize::from(way.hour), class_s, took_s: way.took_s })
}

fn outcome(one: &CameTrue) -> Outcome {
    Outcome {
        known: Circumstances {
            time_of_day: part_of_day(one.minute),
            weekend: one.weekend,
            parts_s: one.parts_s,
            stops_before: one.stops_before,
            distance_m: one.distance_m,
            before_pickup: one.before_pickup,
        },
        shift: one.shift,
        took_s: one.took_s,
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// The random half of the identifier.
fn order_key(order: OrderId) -> u64 {
    order.uuid().as_u64_pair().1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::tests::{delivery, step, time};

    fn at(status: OrderStatus) -> Delivery {
        let mut order = delivery();
        order.moved(2, &step(OrderStatus::Created, status));
        order
    }

    #[test]
    fn a_stop_is_reached_once_also_when_a_step_is_skipped() {
        use OrderStatus::{
            ArrivedAtDropoff, ArrivedAtPickup, Assigned, Delivered, EnrouteToDropoff, PickedUp,
        };
        let between = |from, to| reached(&at(from), &at(to));
        assert_eq!(between(Assigned, ArrivedAtPickup), [Stop::Pickup]);
        assert_eq!(between(ArrivedAtPickup, PickedUp), []);
        assert_eq!(between(Assigned, PickedUp), [Stop::Pickup]);
        assert_eq!(between(EnrouteToDropoff, ArrivedAtDropoff), [Stop::Dropoff]);
        assert_eq!(between(EnrouteToDropoff, Delivered), [Stop::Dropoff]);
        assert_eq!(between(ArrivedAtDropoff, Delivered), []);
        assert_eq!(between(Assigned, Delivered), [Stop::Pickup, Stop::Dropoff]);
        assert_eq!(between(EnrouteToDropoff, OrderStatus::Failed), []);
        assert_eq!(between(OrderStatus::Failed, Assigned), []);
    }

    #[test]
    fn a_correction_takes_the_arrival_back() {
        let (there, on_the_way) = (at(OrderStatus::Delivered), at(OrderStatus::EnrouteToDropoff));
        assert!(is_undone(&there, &on_the_way));
        assert!(!is_undone(&on_the_way, &there));
        assert!(!is_undone(&there, &at(OrderStatus::Returning)), "it comes back; the courier was there");
        let again = Delivery { attempt: 2, ..on_the_way };
        assert!(!is_undone(&there, &again), "another attempt is not a correction");
    }

    fn facts(ready: Option<&str>) -> OrderFacts {
        OrderFacts { ready_at: ready.map(time), ..OrderFacts::example() }
    }

    fn noon(minute: u32) -> Timestamp {
        time(&format!("2026-11-20T12:{minute:02}:00Z"))
    }

    #[test]
    fn who_waited_tells_when_goods_were_ready_and_nothing_about_the_hand_over() {
        let early = at_pickup(&facts(Some("2026-11-20T12:15:00Z")), noon(5), noon(27));
        assert_eq!(early, (None, Some(600.0)), "two minutes of hand-over, ten late");
        let late = at_pickup(&facts(Some("2026-11-20T12:00:00Z")), noon(5), noon(17));
        assert_eq!(late, (None, Some(900.0)));
    }

    #[test]
    fn who_did_not_wait_tells_how_long_the_hand_over_takes() {
        let (stop, late) = at_pickup(&facts(Some("2026-11-20T12:02:00Z")), noon(5), noon(8));
        assert_eq!((stop.map(|stop| stop.took_s), late), (Some(180.0), Some(0.0)));
        let (stop, late) = at_pickup(&facts(Some("2026-11-20T12:00:00Z")), noon(20), noon(22));
        assert_eq!((stop.map(|stop| stop.took_s), late), (Some(120.0), None), "that was too late to tell");
        let (stop, late) = at_pickup(&facts(None), noon(5), noon(15));
        assert_eq!((stop.map(|stop| stop.took_s), late), (Some(600.0), None));
    }

    #[test]
    fn a_place_that_is_not_known_teaches_nothing_about_its_stop() {
        let mut facts = facts(None);
        facts.dropoff.position = None;
        let made = Made {
            facts,
            arrived_at_pickup: None,
            picked_up: Some(noon(1)),
            arrived_at_dropoff: Some(noon(10)),
            delivered: Some(noon(12)),
        };
        let learned = history(&[made], &[], &[], &Clocks::new(&[]));
        assert_eq!((learned.stops.len(), learned.ready.len()), (0, 0));
    }
}
