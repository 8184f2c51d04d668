//! Near, there, gone.

use contracts::calls::{OrderState, ReportStep, StepReported};
use contracts::orders::OrderStatus;
use serde_json::json;

use crate::world::{DOOR, SHOP, World, north_of, world};

async fn heard(world: &World, subject: &str) -> usize {
    world.town.subjects().await.iter().filter(|one| *one == subject).count()
}

/// Two positions at a place, ten seconds apart; what waits is done.
async fn stand_at(world: &World, place: (f64, f64)) {
    for _ in 0..2 {
        world.pass(30);
        world.at(place).await.is(200);
    }
    world.town.settle().await;
}

#[tokio::test]
async fn the_customer_hears_once_that_the_courier_is_nearly_there() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(north_of(DOOR, 1_000.0)).await.is(200);
    assert_eq!(heard(&world, "delivery.arriving.v1").await, 0);
    world.pass(60);
    world.at(north_of(DOOR, 290.0)).await.is(200);
    world.pass(60);
    world.at(north_of(DOOR, 100.0)).await.is(200);
    let events = world.town.events().await;
    let arriving: Vec<_> = events.iter().filter(|(subject, _)| subject == "delivery.arriving.v1").collect();
    assert_eq!(arriving.len(), 1);
    assert_eq!(arriving[0].1["driver_id"], json!(world.driver.to_string()));
    assert!((288..=292).contains(&arriving[0].1["distance_m"].as_i64().unwrap()));
    assert_eq!(world.kinds(1).await.last().unwrap(), "arriving");
    world.town.finish().await;
}

#[tokio::test]
async fn positions_make_the_arrival_and_orders_is_told_once() {
    let world = world().await;
    world.on_the_way(1).await;
    stand_at(&world, north_of(DOOR, 20.0)).await;
    let told = world.orders.told();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].path, "/internal/orders/step");
    assert_eq!(told[0].body["status"], "arrived_at_dropoff");
    assert_eq!(told[0].key.as_deref().unwrap(), format!("arrival:{}:1:dropoff", crate::world::order(1)));
    stand_at(&world, north_of(DOOR, 10.0)).await;
    assert!(world.orders.told().is_empty(), "once");
    world.town.finish().await;
}

#[tokio::test]
async fn the_arrival_at_the_pick_up_is_noticed_as_well() {
    let world = world().await;
    world.create(1).await;
    world.assign(1, 2, world.driver).await;
    world.step(1, 3, OrderStatus::Assigned, OrderStatus::EnrouteToPickup, world.driver).await;
    stand_at(&world, north_of(SHOP, 55.0)).await;
    assert_eq!(world.orders.told()[0].body["status"], "arrived_at_pickup");
    world.town.finish().await;
}

#[tokio::test]
async fn bad_positions_and_passing_by_are_no_arrival() {
    let world = world().await;
    world.on_the_way(1).await;
    let at = |seconds: i64| {
        world.pass(seconds);
        world.town.now()
    };
    let report = |place: (f64, f64), accuracy: f64, at| json!({ "lat": place.0, "lon": place.1, "at": at, "accuracy_m": accuracy });
    world.report(&report(DOOR, 80.0, at(30))).await.is(200);
    world.report(&report(DOOR, 80.0, at(30))).await.is(200);
    world.report(&report(DOOR, 10.0, at(30))).await.is(200);
    world.report(&report(north_of(DOOR, 300.0), 10.0, at(30))).await.is(200);
    world.report(&report(DOOR, 10.0, at(30))).await.is(200);
    world.town.settle().await;
    assert!(world.orders.told().is_empty());
    world.town.finish().await;
}

#[tokio::test]
async fn an_organisation_may_have_arrivals_suggested_only() {
    let world = world().await;
    let settings = json!({ "arrivals": "suggest", "retention_days": 30, "arriving_distance_m": 50, "show_driver": true,
        "show_position": true, "show_phone": true });
    let manager = &world.town.bakery.manager.token;
    world.town.put("/api/v1/tracking/settings", settings).bearer(manager).if_match(0).await.is(200);
    world.on_the_way(1).await;
    stand_at(&world, north_of(DOOR, 20.0)).await;
    assert!(world.orders.told().is_empty());
    assert_eq!(world.kinds(1).await.last().unwrap(), "arrival_suggested");
    let page = world.page(1).await.is(200).json();
    let shown = page["timeline"].as_array().unwrap().iter().any(|row| row["kind"] == "arrival_suggested");
    assert!(!shown, "not for customers");
    world.town.finish().await;
}

#[tokio::test]
async fn orders_that_is_away_is_told_later_and_a_refusal_is_an_answer() {
    let world = world().await;
    world.on_the_way(1).await;
    world.orders.away(true);
    stand_at(&world, DOOR).await;
    assert!(world.orders.told().is_empty());
    world.orders.away(false);
    world.orders.on::<ReportStep, _>(|step| {
        let state = OrderState { status: OrderStatus::Cancelled, driver_id: None, attempt: 1, version: 9 };
        assert_eq!(step.status, OrderStatus::ArrivedAtDropoff);
        Ok(StepReported { moved: false, state })
    });
    world.pass(3_600);
    world.town.settle().await;
    assert_eq!(world.orders.told().len(), 1);
    world.town.finish().await;
}

#[tokio::test]
async fn leaving_a_stop_is_noticed_once() {
    let world = world().await;
    world.on_the_way(1).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::ArrivedAtDropoff, world.driver).await;
    stand_at(&world, DOOR).await;
    assert_eq!(world.kinds(1).await.last().unwrap(), "arrived_at_dropoff");
    stand_at(&world, north_of(DOOR, 400.0)).await;
    stand_at(&world, north_of(DOOR, 900.0)).await;
    let kinds = world.kinds(1).await;
    assert_eq!(kinds[kinds.len() - 2..], ["arrived_at_dropoff", "left_dropoff"]);
    world.town.finish().await;
}

#[tokio::test]
async fn another_attempt_arrives_again_under_another_key() {
    let world = world().await;
    world.on_the_way(1).await;
    stand_at(&world, DOOR).await;
    assert_eq!(world.orders.told().len(), 1);
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Failed, world.driver).await;
    let again = contracts::orders::OrderStatusChanged {
        driver_id: Some(world.driver),
        attempt: 2,
        ..world.moved(1, OrderStatus::Failed, OrderStatus::EnrouteToDropoff)
    };
    world.town.publish(world.town.bakery.id, crate::world::order(1), 6, &again).await;
    world.town.settle().await;
    stand_at(&world, DOOR).await;
    let told = world.orders.told();
    assert_eq!(told.len(), 1);
    assert!(told[0].key.as_deref().unwrap().ends_with(":2:dropoff"));
    assert_eq!(heard(&world, "delivery.arriving.v1").await, 2, "once for each attempt");
    world.town.finish().await;
}

#[tokio::test]
async fn only_the_driver_who_has_the_order_arrives() {
    let world = world().await;
    let other = world.another_driver(33).await;
    world.create(1).await;
    world.assign(1, 2, other).await;
    world.step(1, 3, OrderStatus::Assigned, OrderStatus::EnrouteToDropoff, other).await;
    stand_at(&world, DOOR).await;
    assert!(world.orders.told().is_empty());
    assert_eq!(heard(&world, "delivery.arriving.v1").await, 0);
    let at = world.town.now();
    let body = json!({ "lat": DOOR.0, "lon": DOOR.1, "at": at, "accuracy_m": 5.0 });
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.post(World::location(other), body).bearer(&manager.token).await.is(200);
    assert_eq!(heard(&world, "delivery.arriving.v1").await, 1);
    world.town.finish().await;
}

#[tokio::test]
async fn nothing_is_noticed_of_orders_that_have_ended() {
    let world = world().await;
    world.on_the_way(1).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    let before = world.kinds(1).await;
    stand_at(&world, DOOR).await;
    stand_at(&world, SHOP).await;
    assert_eq!(world.kinds(1).await, before);
    assert!(world.orders.told().is_empty());
    world.town.finish().await;
}
