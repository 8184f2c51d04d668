//! Expected times: when they are calculated, and who hears of them.

use contracts::orders::{OrderFacts, OrderStatus, OrderUpdated, StopFacts};
use contracts::tracking::DeliveryEtaChanged;
use kernel::geo::Position;
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::Matrix;
use kernel::travel::Profile;
use platform::db::BoxFuture;
use platform::travel::TravelTimes;
use testkit::service::Stage;

use crate::world::{DOOR, SHOP, World, facts, north_of, order, world};

fn told(events: &[(String, serde_json::Value)]) -> Vec<DeliveryEtaChanged> {
    let own = events.iter().filter(|(subject, _)| subject == "delivery.eta_changed.v1");
    own.map(|(_, payload)| serde_json::from_value(payload.clone()).unwrap()).collect()
}

fn count(events: &[(String, serde_json::Value)], subject: &str) -> usize {
    events.iter().filter(|(one, _)| one == subject).count()
}

/// Minutes from now until an order is expected.
async fn minutes(world: &World, number: u128) -> Option<i64> {
    let followed = world.followed(number).await;
    let expected: Timestamp = followed["eta"]["expected"].as_str()?.parse().unwrap();
    Some((expected.duration_since(world.town.now()).as_secs() + 30) / 60)
}

#[tokio::test]
async fn an_order_is_expected_as_soon_as_a_driver_with_a_position_has_it() {
    let world = world().await;
    world.create(1).await;
    assert_eq!(minutes(&world, 1).await, None);
    world.at(SHOP).await.is(200);
    world.assign(1, 2, world.driver).await;
    // 2 minutes at the shop, then 1.7 km as the crow flies: 2.2 km at 16 km/h.
    assert_eq!(minutes(&world, 1).await, Some(10));
    let events = world.town.events().await;
    let window = &told(&events)[0].eta;
    assert_eq!(window.source, "straight_line");
    assert!(window.earliest < window.expected && window.expected < window.latest);
    world.town.finish().await;
}

#[tokio::test]
async fn without_a_position_nothing_is_expected_until_one_comes() {
    let world = world().await;
    world.on_the_way(1).await;
    assert_eq!(minutes(&world, 1).await, None);
    world.at(SHOP).await.is(200);
    assert_eq!(minutes(&world, 1).await, Some(8));
    world.pass(31 * 60);
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Assigned, world.driver).await;
    assert_eq!(told(&world.town.events().await).len(), 1, "from an old position nothing new is expected");
    world.town.finish().await;
}

#[tokio::test]
async fn customers_hear_of_more_than_two_minutes_and_the_page_of_everything() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    assert_eq!(told(&world.town.events().await).len(), 1);
    // A minute passes and the driver stands still: the page says so, nobody else hears of it.
    world.pass(60);
    world.at(SHOP).await.is(200);
    assert_eq!(minutes(&world, 1).await, Some(8));
    assert_eq!(told(&world.town.events().await).len(), 1);
    world.pass(90);
    world.at(SHOP).await.is(200);
    assert_eq!(told(&world.town.events().await).len(), 2);
    world.town.finish().await;
}

#[tokio::test]
async fn positions_calculate_at_most_every_twenty_seconds() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    let calculated = "SELECT (extract(epoch FROM eta_at) * 1000)::bigint FROM tracking.orders";
    let first = world.town.count(calculated).await;
    world.pass(10);
    world.at(SHOP).await.is(200);
    assert_eq!(world.town.count(calculated).await, first);
    world.pass(10);
    world.at(SHOP).await.is(200);
    assert!(world.town.count(calculated).await > first);
    world.town.finish().await;
}

#[tokio::test]
async fn a_route_decides_who_waits_for_whom() {
    let world = world().await;
    world.at(SHOP).await.is(200);
    world.on_the_way(1).await;
    world.on_the_way(2).await;
    world.route(1, &[(2, "dropoff"), (1, "dropoff")]).await;
    assert_eq!(
        (minutes(&world, 2).await, minutes(&world, 1).await),
        (Some(8), Some(10)),
        "two minutes at the door"
    );
    world.route(2, &[(1, "dropoff"), (2, "dropoff")]).await;
    assert_eq!((minutes(&world, 1).await, minutes(&world, 2).await), (Some(8), Some(10)));
    world.route(1, &[(2, "dropoff"), (1, "dropoff")]).await;
    assert_eq!(minutes(&world, 1).await, Some(8), "an older route changes nothing");
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    assert_eq!((minutes(&world, 1).await, minutes(&world, 2).await), (None, Some(8)));
    world.town.finish().await;
}

#[tokio::test]
async fn a_delay_is_told_once_until_the_promise_changes() {
    let world = world().await;
    let now = world.town.now();
    let promise = |minutes| now.checked_add(SignedDuration::from_mins(minutes)).ok();
    let with = |until| {
        let facts = facts(1, now);
        OrderFacts { dropoff: StopFacts { until, ..facts.dropoff.clone() }, ..facts }
    };
    world.create_with(1, with(promise(9))).await;
    world.at(SHOP).await.is(200);
    world.assign(1, 2, world.driver).await;
    world.pass(30);
    world.at(SHOP).await.is(200);
    assert_eq!(count(&world.town.events().await, "delivery.delayed.v1"), 1);
    let update =
        |until| OrderUpdated { order_id: order(1), changed: vec!["dropoff".to_owned()], facts: with(until) };
    let bakery = world.town.bakery.id;
    world.town.publish(bakery, order(1), 3, &update(promise(60))).await;
    world.town.settle().await;
    assert_eq!(count(&world.town.events().await, "delivery.delayed.v1"), 1, "in time again");
    world.town.publish(bakery, order(1), 4, &update(promise(5))).await;
    world.town.settle().await;
    let events = world.town.events().await;
    assert_eq!(count(&events, "delivery.delayed.v1"), 2);
    let kinds = world.kinds(1).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "delayed").count(), 2);
    world.town.finish().await;
}

#[tokio::test]
async fn goods_that_are_not_ready_make_it_later() {
    let world = world().await;
    let ready_at = world.town.now().checked_add(SignedDuration::from_mins(20)).ok();
    world.create_with(1, OrderFacts { ready_at, ..facts(1, world.town.now()) }).await;
    world.at(SHOP).await.is(200);
    world.assign(1, 2, world.driver).await;
    assert_eq!(minutes(&world, 1).await, Some(30));
    world.town.finish().await;
}

/// Somebody who knows no ways at the moment.
#[derive(Debug)]
struct Away;

impl TravelTimes for Away {
    fn matrix<'a>(
        &'a self,
        _profile: Profile,
        _origins: &'a [Position],
        _destinations: &'a [Position],
        _leaving: Timestamp,
    ) -> BoxFuture<'a, platform::Result<Matrix>> {
        Box::pin(std::future::ready(Err(platform::Error::unavailable("routing server"))))
    }
}

#[tokio::test]
async fn without_travel_times_positions_are_taken_and_arrivals_noticed() {
    let stage = Stage::new(tracking::manifest(), tracking::service).with_travel(Away);
    let world = crate::world::in_town(stage).await;
    world.on_the_way(1).await;
    world.at(north_of(DOOR, 200.0)).await.is(200);
    assert_eq!(minutes(&world, 1).await, None);
    assert_eq!(count(&world.town.events().await, "delivery.arriving.v1"), 1);
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_that_changes_hands_is_expected_from_where_the_next_driver_is() {
    let world = world().await;
    let other = world.another_driver(33).await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    assert_eq!(minutes(&world, 1).await, Some(8));
    let at = world.town.now();
    let place = north_of(DOOR, 500.0);
    let body = serde_json::json!({ "lat": place.0, "lon": place.1, "at": at });
    let manager = &world.town.bakery.manager.token;
    world.town.post(World::location(other), body).bearer(manager).await.is(200);
    let carried = contracts::orders::OrderAssigned {
        order_id: order(1),
        driver_id: other,
        previous: Some(world.driver),
        status: OrderStatus::EnrouteToDropoff,
        attempt: 1,
    };
    world.town.publish(world.town.bakery.id, order(1), 5, &carried).await;
    world.town.settle().await;
    assert_eq!(minutes(&world, 1).await, Some(2));
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_that_is_given_back_is_expected_no_more_and_anew_later() {
    let world = world().await;
    world.create(1).await;
    world.at(SHOP).await.is(200);
    world.assign(1, 2, world.driver).await;
    assert!(minutes(&world, 1).await.is_some());
    let back = world.moved(1, OrderStatus::Assigned, OrderStatus::Created);
    world.town.publish(world.town.bakery.id, order(1), 3, &back).await;
    world.town.settle().await;
    assert_eq!(minutes(&world, 1).await, None);
    assert!(world.followed(1).await["driver_id"].is_null());
    world.assign(1, 4, world.driver).await;
    assert_eq!(told(&world.town.events().await).len(), 2, "customers hear of it again");
    world.town.finish().await;
}

#[tokio::test]
async fn a_place_that_becomes_known_makes_it_expected() {
    let world = world().await;
    let now = world.town.now();
    let unknown =
        OrderFacts { dropoff: StopFacts { position: None, ..facts(1, now).dropoff }, ..facts(1, now) };
    world.create_with(1, unknown).await;
    world.at(SHOP).await.is(200);
    world.assign(1, 2, world.driver).await;
    assert_eq!(minutes(&world, 1).await, None);
    let event =
        OrderUpdated { order_id: order(1), changed: vec!["dropoff".to_owned()], facts: facts(1, now) };
    world.town.publish(world.town.bakery.id, order(1), 3, &event).await;
    world.town.settle().await;
    assert_eq!(minutes(&world, 1).await, Some(10));
    world.town.finish().await;
}
