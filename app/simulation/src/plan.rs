//! What a courier does about one order, minute by minute.

use kernel::geo::Position;

use crate::scenario::{Order, Scenario};

/// Something to do at a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Act {
    pub(crate) minute: u32,
    pub(crate) kind: Kind,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// The order stands here now.
    Step(&'static str),
    /// The courier is here now.
    At(Position),
    /// The order is over for the courier.
    Free,
}

/// All there is to do, and how long of it is spent driving.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) acts: Vec<Act>,
    pub(crate) driving_min: u32,
    /// How much longer the ways to both stops take than expected.
    pub(crate) late_min: u32,
    /// When the goods are taken, and handed over.
    pub(crate) pickup: u32,
    pub(crate) dropoff: u32,
}

/// Ways take `slower` times as long as expected.
pub(crate) fn plan(scenario: &Scenario, order: &Order, from: Position, now: u32, slower: f64) -> Plan {
    let half = scenario.service_min / 2;
    let shop = scenario.shops.get(order.shop).map_or(from, |shop| shop.place);
    let way = |from, to| stretched(scenario.minutes(from, to), slower);
    let (there, on) = (way(from, shop), way(shop, order.place));
    let arrival = now + there;
    let pickup = order.ready.max(arrival + half);
    let leaving = pickup + half;
    let door = leaving + on;
    let dropoff = door + half;
    let act = |minute, kind| Act { minute, kind };
    let under_way = |from, to, begin, minutes| on_the_way(scenario, from, to, begin, minutes);
    let mut acts = vec![act(now, Kind::Step("enroute_to_pickup"))];
    acts.extend(under_way(from, shop, now, there));
    acts.extend([
        act(arrival, Kind::At(shop)),
        act(arrival, Kind::Step("arrived_at_pickup")),
        act(pickup, Kind::Step("picked_up")),
        act(leaving, Kind::Step("enroute_to_dropoff")),
    ]);
    acts.extend(under_way(shop, order.place, leaving, on));
    acts.extend([act(door, Kind::At(order.place)), act(door, Kind::Step("arrived_at_dropoff"))]);
    let expected_min = scenario.minutes(from, shop) + scenario.minutes(shop, order.place);
    let late_min = (there + on).saturating_sub(expected_min);
    let mut driving_min = there + on;
    if order.fails {
        let back = dropoff + half + on;
        driving_min += on;
        acts.extend([act(dropoff, Kind::Step("failed")), act(dropoff + half, Kind::Step("returning"))]);
        acts.extend(under_way(order.place, shop, dropoff + half, on));
        acts.extend([
            act(back, Kind::At(shop)),
            act(back + half, Kind::Step("returned")),
            act(back + 2 * half, Kind::Free),
        ]);
    } else {
        acts.extend([act(dropoff, Kind::Step("delivered")), act(dropoff + half, Kind::Free)]);
    }
    Plan { acts, driving_min, late_min, pickup, dropoff }
}

/// Where a courier is between two places, as often as the phone says so.
fn on_the_way(
    scenario: &Scenario,
    from: Position,
    to: Position,
    begin: u32,
    minutes: u32,
) -> impl Iterator<Item = Act> + use<> {
    let (_, way) = scenario.way(from, to);
    let between = move |passed: u32| {
        let part = f64::from(passed) / f64::from(minutes);
        let mix = |a: f64, b: f64| a + (b - a) * part;
        let straight = || Position::new(mix(from.lat(), to.lat()), mix(from.lon(), to.lon())).ok();
        way.as_ref().map_or_else(straight, |way| way.at(part)).unwrap_or(from)
    };
    let every = scenario.report_min.max(1);
    let steps = (every..minutes).step_by(usize::try_from(every).unwrap_or(1));
    steps.map(move |passed| Act { minute: begin + passed, kind: Kind::At(between(passed)) })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "minutes of a day, at most a few times as many"
)]
fn stretched(minutes: u32, slower: f64) -> u32 {
    (f64::from(minutes) * slower.max(0.0)).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::place;
    use crate::scenario::Shop;
    use kernel::travel::StraightLine;

    fn scenario() -> Scenario {
        let shop =
            Shop { name: "r1".to_owned(), street: "1".to_owned(), place: place(0.0, 3_200.0).unwrap() };
        Scenario {
            name: "tiny".to_owned(),
            line: StraightLine { detour: 1.0, speed_m_s: 320.0 / 60.0, whole_minutes: true },
            streets: None,
            service_min: 4,
            shops: vec![shop],
            couriers: Vec::new(),
            orders: Vec::new(),
            tag: "test",
            report_min: 60,
        }
    }

    fn order(ready: u32, fails: bool) -> Order {
        let (street, recipient) = ("1".to_owned(), "R".to_owned());
        Order { shop: 0, place: place(0.0, 4_800.0).unwrap(), street, recipient, placed: 0, ready, fails }
    }

    fn minutes(plan: &Plan) -> Vec<(u32, &'static str)> {
        let name = |kind| match kind {
            Kind::Step(status) => status,
            Kind::At(_) => "at",
            Kind::Free => "free",
        };
        plan.acts.iter().map(|act| (act.minute, name(act.kind))).collect()
    }

    /// By the rules of the problem: ten minutes to the shop, two before the goods are taken, which are ready late; two after,
    /// five minutes to the door, two before they are handed over, two after.
    #[test]
    fn an_order_takes_what_the_model_says() {
        let plan = plan(&scenario(), &order(30, false), place(0.0, 0.0).unwrap(), 7, 1.0);
        assert_eq!((plan.pickup, plan.dropoff, plan.driving_min, plan.late_min), (30, 39, 15, 0));
        let all = [
            (7, "enroute_to_pickup"),
            (17, "at"),
            (17, "arrived_at_pickup"),
            (30, "picked_up"),
            (32, "enroute_to_dropoff"),
            (37, "at"),
            (37, "arrived_at_dropoff"),
            (39, "delivered"),
            (41, "free"),
        ];
        assert_eq!(minutes(&plan), all);
    }

    #[test]
    fn who_is_late_takes_the_goods_two_minutes_after_arriving() {
        let late = plan(&scenario(), &order(5, false), place(0.0, 0.0).unwrap(), 7, 1.0);
        assert_eq!((late.pickup, late.dropoff), (19, 28));
        let slow = plan(&scenario(), &order(5, false), place(0.0, 0.0).unwrap(), 7, 1.5);
        assert_eq!((slow.pickup, slow.late_min), (7 + 15 + 2, 5 + 3));
    }

    #[test]
    fn what_nobody_takes_is_brought_back() {
        let plan = plan(&scenario(), &order(5, true), place(0.0, 0.0).unwrap(), 0, 1.0);
        let last: Vec<_> = minutes(&plan).into_iter().rev().take(5).rev().collect();
        assert_eq!(last, [(21, "failed"), (23, "returning"), (28, "at"), (30, "returned"), (32, "free")]);
        assert_eq!(plan.driving_min, 20);
    }

    #[test]
    fn a_phone_tells_of_the_way() {
        let scenario = Scenario { report_min: 4, ..scenario() };
        let plan = plan(&scenario, &order(5, false), place(0.0, 0.0).unwrap(), 100, 1.0);
        let places = plan.acts.iter().filter_map(|act| match act.kind {
            Kind::At(place) => Some((act.minute, place)),
            _ => None,
        });
        let (minutes, places): (Vec<u32>, Vec<Position>) = places.unzip();
        assert_eq!(minutes, [104, 108, 110, 118, 119], "and of both ends");
        assert!(places[0].distance_m(place(0.0, 1_280.0).unwrap()) < 1.0);
    }
}
