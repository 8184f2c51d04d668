//! What is expected is written down, held against what happens, and learned from.

use contracts::Event;
use contracts::orders::{OrderAssigned, OrderCreated, OrderFacts, OrderStatus, OrderStatusChanged};
use contracts::tracking::TravelLearned;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use serde_json::Value;
use testkit::service::Stage;

use crate::world::{SHOP, Streets, World, facts, in_town, order, world};

/// Seconds that the map of the test, the straight line, says for the way to the door by bicycle.
const SAID_S: i64 = 490;

impl World {
    /// An order's steps, of which nobody hears before everything settles.
    async fn goes(&self, number: u128, version: i64, steps: &[OrderStatus]) {
        for (version, pair) in (version..).zip(steps.windows(2)) {
            let event =
                OrderStatusChanged { driver_id: Some(self.driver), ..self.moved(number, pair[0], pair[1]) };
            self.town.publish(self.town.bakery.id, order(number), version, &event).await;
        }
    }

    /// A delivery by a courier who takes so long for the way and for the door; the courier is back at the shop then.
    async fn deliver(&self, number: u128, way_s: i64, door_s: i64) {
        use OrderStatus::{ArrivedAtDropoff, Assigned, Delivered, EnrouteToDropoff, PickedUp};
        let (bakery, placed_at) = (self.town.bakery.id, self.town.now());
        self.at(SHOP).await.is(200);
        let created = OrderCreated {
            order_id: order(number),
            source: "api".to_owned(),
            facts: facts(number, placed_at),
            packages: Vec::new(),
        };
        self.town.publish(bakery, order(number), 1, &created).await;
        let assigned = OrderAssigned {
            order_id: order(number),
            driver_id: self.driver,
            previous: None,
            status: Assigned,
            attempt: 1,
        };
        self.town.publish(bakery, order(number), 2, &assigned).await;
        self.goes(number, 3, &[Assigned, PickedUp, EnrouteToDropoff]).await;
        self.town.settle().await;
        self.pass(way_s);
        self.goes(number, 5, &[EnrouteToDropoff, ArrivedAtDropoff]).await;
        self.pass(door_s);
        self.goes(number, 6, &[ArrivedAtDropoff, Delivered]).await;
        self.town.settle().await;
        self.pass(60);
    }

    async fn accuracy(&self, query: &str) -> Value {
        let manager = self.town.again(&self.town.bakery.manager);
        let path = format!("/api/v1/eta/accuracy{query}");
        self.town.get(path).bearer(&manager.token).await.is(200).json()
    }
}

async fn expected_in(world: &World, number: u128) -> i64 {
    let expected: Timestamp =
        world.followed(number).await["eta"]["expected"].as_str().unwrap().parse().unwrap();
    expected.duration_since(world.town.now()).as_secs()
}

#[tokio::test]
async fn what_is_told_is_written_down_once_and_held_against_what_happened() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    world.pass(30);
    world.at(SHOP).await.is(200);
    let predictions = "SELECT count(*) FROM tracking.eta_predictions";
    assert_eq!(world.town.count(predictions).await, 1, "half a minute later nobody is told anything new");
    world.pass(150);
    world.at(SHOP).await.is(200);
    assert_eq!(world.town.count(predictions).await, 2);
    let open = "SELECT count(*) FROM tracking.eta_predictions WHERE happened_at IS NULL";
    assert_eq!(world.town.count(open).await, 2);
    assert_eq!(world.accuracy("").await["overall"], Value::Null, "nothing has happened yet");
    world.pass(400);
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::ArrivedAtDropoff, world.driver).await;
    assert_eq!(world.town.count(open).await, 0);
    world.pass(100);
    world.step(1, 6, OrderStatus::ArrivedAtDropoff, OrderStatus::Delivered, world.driver).await;
    let overall = world.accuracy("").await["overall"].clone();
    assert_eq!(overall["count"], 2);
    let (first, second) = (580 - SAID_S, 400 - SAID_S);
    let bias = overall["bias_s"].as_f64().unwrap();
    let middle =
        f64::midpoint(f64::from(i32::try_from(first).unwrap()), f64::from(i32::try_from(second).unwrap()));
    assert!(
        (bias - middle).abs() < 15.0,
        "{bias} instead of {middle}: when it arrived, not when it was handed over"
    );
    world.town.finish().await;
}

#[tokio::test]
async fn a_correction_takes_back_that_it_happened() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    world.pass(60);
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    let judged = "SELECT count(*) FROM tracking.eta_predictions WHERE happened_at IS NOT NULL";
    let ended = "SELECT count(*) FROM tracking.eta_legs WHERE ended_at IS NOT NULL";
    assert_eq!((world.town.count(judged).await, world.town.count(ended).await), (1, 1));
    let wrong = OrderStatusChanged {
        driver_id: Some(world.driver),
        correction: true,
        ..world.moved(1, OrderStatus::Delivered, OrderStatus::EnrouteToDropoff)
    };
    world.town.publish(world.town.bakery.id, order(1), 6, &wrong).await;
    world.town.settle().await;
    assert_eq!((world.town.count(judged).await, world.town.count(ended).await), (0, 0));
    world.pass(600);
    world.step(1, 7, OrderStatus::EnrouteToDropoff, OrderStatus::ArrivedAtDropoff, world.driver).await;
    let late = "SELECT max(extract(epoch FROM happened_at - made_at))::bigint FROM tracking.eta_predictions";
    assert_eq!(world.town.count(late).await, 660);
    world.town.finish().await;
}

#[tokio::test]
async fn a_way_is_written_down_when_the_courier_sets_out_and_not_again_on_the_way() {
    let world = world().await;
    world.create(1).await;
    world.at(SHOP).await.is(200);
    world.assign(1, 2, world.driver).await;
    let ways = "SELECT count(*) FROM tracking.eta_legs";
    assert_eq!(world.town.count(ways).await, 0, "nobody has set out");
    world.pass(300);
    world.at(SHOP).await.is(200);
    world.step(1, 3, OrderStatus::Assigned, OrderStatus::PickedUp, world.driver).await;
    world.step(1, 4, OrderStatus::PickedUp, OrderStatus::EnrouteToDropoff, world.driver).await;
    assert_eq!(world.town.count(ways).await, 1);
    let said = "SELECT said_s::bigint FROM tracking.eta_legs";
    assert!((world.town.count(said).await - SAID_S).abs() < 15, "{}", world.town.count(said).await);
    world.pass(120);
    world.at(crate::world::north_of(SHOP, 800.0)).await.is(200);
    assert_eq!(world.town.count(ways).await, 1);
    let from_the_shop = world.town.count(said).await;
    assert!((from_the_shop - SAID_S).abs() < 15, "{from_the_shop}");
    world.town.finish().await;
}

#[tokio::test]
async fn a_courier_who_is_slow_today_is_expected_later_and_tomorrow_is_another_day() {
    let world = world().await;
    for number in 1..=6 {
        world.deliver(number, SAID_S * 3 / 2, 60).await;
    }
    world.at(SHOP).await.is(200);
    world.on_the_way(7).await;
    let slow = expected_in(&world, 7).await;
    assert!(slow > SAID_S + 60, "{slow}");
    world.step(7, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    world.pass(7 * 3_600);
    world.at(SHOP).await.is(200);
    world.on_the_way(8).await;
    let fresh = expected_in(&world, 8).await;
    assert!((fresh - SAID_S).abs() < 15, "{fresh}");
    world.town.finish().await;
}

/// The whole of it: streets are half as slow again as the map says and doors take four minutes; after a night the courier is
/// expected when it is true, with a window that was measured, and another organisation has learned nothing.
#[tokio::test]
async fn after_a_night_it_is_expected_when_it_is_true() {
    let world = world().await;
    for number in 1..=32 {
        world.deliver(number, SAID_S * 3 / 2, 240).await;
    }
    let before = world.accuracy("").await;
    assert!(before["overall"]["bias_s"].as_f64().unwrap() > 60.0, "{before}");
    assert_eq!(before["model"], Value::Null);
    world.learn().await;
    world.at(SHOP).await.is(200);
    world.on_the_way(41).await;
    let truth = SAID_S * 3 / 2;
    let (now, off) = (expected_in(&world, 41).await, SAID_S - truth);
    assert!((now - truth).abs() * 3 < off.abs(), "{now} instead of {truth}");
    // The next door is four minutes later than the map alone would say.
    world.create_with(42, OrderFacts { shop_id: None, ..facts(42, world.town.now()) }).await;
    let model = world.accuracy("").await["model"].clone();
    assert_eq!(model["deliveries"], 32);
    others_hear_that_ways_take_half_as_long_again(&world).await;
    let florist = world.town.again(&world.town.florist.manager);
    let foreign: Value = world.town.get("/api/v1/eta/accuracy").bearer(&florist.token).await.is(200).json();
    assert_eq!((&foreign["model"], &foreign["overall"]), (&Value::Null, &Value::Null));
    world.town.finish().await;
}

async fn others_hear_that_ways_take_half_as_long_again(world: &World) {
    let events = world.town.events().await;
    let learned: Vec<_> = events.iter().filter(|(subject, _)| subject == TravelLearned::SUBJECT).collect();
    let [(_, payload)] = learned[..] else { panic!("once a night: {learned:?}") };
    let learned: TravelLearned = serde_json::from_value(payload.clone()).unwrap();
    let factor = learned.factors.factor("straight_line", Profile::Bicycle, world.town.now());
    // 32 deliveries over many hours are not believed outright.
    assert!((1.3..=1.5).contains(&factor), "{factor}");
}

#[tokio::test]
async fn couriers_who_never_say_that_they_set_out_are_learned_from_too() {
    let world = world().await;
    world.create(1).await;
    world.assign(1, 2, world.driver).await;
    world.at(SHOP).await.is(200);
    world.pass(600);
    world.step(1, 3, OrderStatus::Assigned, OrderStatus::Delivered, world.driver).await;
    assert_eq!(world.town.count("SELECT count(*) FROM tracking.eta_legs").await, 0);
    let told = "SELECT count(*) FROM tracking.eta_predictions WHERE happened_at IS NOT NULL";
    assert_eq!(world.town.count(told).await, 1);
    let since = "SELECT count(*) FROM tracking.orgs_with_arrivals('2026-11-01T00:00:00Z')";
    assert_eq!(world.town.count(since).await, 1);
    world.town.finish().await;
}

#[tokio::test]
async fn too_few_deliveries_teach_nothing() {
    let world = world().await;
    world.deliver(1, 900, 60).await;
    world.learn().await;
    assert_eq!(world.town.count("SELECT count(*) FROM tracking.eta_models").await, 0);
    assert_eq!(world.accuracy("").await["model"], Value::Null);
    world.town.finish().await;
}

#[tokio::test]
async fn what_is_half_a_year_old_is_forgotten() {
    let world = world().await;
    world.deliver(1, 600, 60).await;
    let rows =
        "SELECT (SELECT count(*) FROM tracking.eta_predictions) + (SELECT count(*) FROM tracking.eta_legs)";
    assert_eq!(world.town.count(rows).await, 2);
    world.pass(179 * 86_400);
    world.learn().await;
    assert_eq!(world.town.count(rows).await, 2);
    world.pass(86_400);
    world.learn().await;
    assert_eq!(world.town.count(rows).await, 0);
    world.town.finish().await;
}

#[tokio::test]
async fn accuracy_is_told_by_horizon_hour_and_shop() {
    let world = world().await;
    world.deliver(1, 600, 60).await;
    world.deliver(2, 600, 60).await;
    let found = world.accuracy("").await;
    assert_eq!(found["horizons"][0]["to_s"], 600);
    assert_eq!(found["hours"].as_array().unwrap().len(), 1);
    assert_eq!(found["shops"][0]["measures"]["count"], 2);
    let shop = found["shops"][0]["shop_id"].as_str().unwrap().to_owned();
    assert_eq!(world.accuracy(&format!("?shop={shop}")).await["overall"]["count"], 2);
    let other = "shop_00000000000000000000000099";
    assert_eq!(world.accuracy(&format!("?shop={other}")).await["overall"], Value::Null);
    let driver = world.town.again(&world.town.bakery.driver);
    world.town.get("/api/v1/eta/accuracy").bearer(&driver.token).await.refused(403, "forbidden");
    let manager = world.town.again(&world.town.bakery.manager);
    let wrong = "/api/v1/eta/accuracy?from=2026-01-01T00:00:00Z&until=2026-12-01T00:00:00Z";
    world.town.get(wrong).bearer(&manager.token).await.refused(422, "invalid");
    world.town.finish().await;
}

#[tokio::test]
async fn what_kinds_of_road_a_way_took_is_written_down_and_learned_from() {
    let stage = Stage::new(tracking::manifest(), tracking::service).with_travel(Streets);
    let world = in_town(stage).await;
    for number in 1..=32 {
        world.deliver(number, SAID_S * 3 / 2, 60).await;
    }
    let classes = "SELECT count(*) FROM tracking.eta_legs WHERE cardinality(class_s) = 3 AND said_s > 300";
    assert_eq!(world.town.count(classes).await, 32);
    world.learn().await;
    let learned =
        "SELECT count(*) FROM tracking.eta_models WHERE (model #>> '{speeds,bicycle,drives}')::int = 32";
    assert_eq!(world.town.count(learned).await, 1);
    world.at(SHOP).await.is(200);
    world.on_the_way(41).await;
    let (now, truth) = (expected_in(&world, 41).await, SAID_S * 3 / 2);
    assert!((now - truth).abs() * 3 < truth - SAID_S, "{now} instead of {truth}");
    world.town.finish().await;
}
