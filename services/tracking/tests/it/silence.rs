//! Drivers of whom nothing is heard.

use contracts::orders::OrderStatus;
use serde_json::Value;

use crate::world::{SHOP, World, world};

/// Every silence that was told: its driver and since when.
async fn silences(world: &World) -> Vec<Value> {
    let events = world.town.events().await;
    let own = events.into_iter().filter(|(subject, _)| subject == "driver.location_stale.v1");
    own.map(|(_, payload)| payload).collect()
}

#[tokio::test]
async fn a_silence_is_told_once_and_again_after_it_was_broken() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    let since = world.town.now();
    world.pass(170);
    assert!(silences(&world).await.is_empty());
    world.pass(30);
    let told = silences(&world).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["driver_id"], world.driver.to_string());
    let at: kernel::time::Timestamp = told[0]["since"].as_str().unwrap().parse().unwrap();
    assert!(since.duration_since(at).as_secs() < 2);
    world.pass(600);
    assert_eq!(silences(&world).await.len(), 1, "once for each silence");
    world.at(SHOP).await.is(200);
    assert_eq!(silences(&world).await.len(), 1);
    world.pass(240);
    assert_eq!(silences(&world).await.len(), 2);
    world.town.finish().await;
}

#[tokio::test]
async fn who_was_never_heard_of_is_silent_since_setting_out() {
    let world = world().await;
    world.create(1).await;
    world.assign(1, 2, world.driver).await;
    world.pass(600);
    assert!(silences(&world).await.is_empty(), "has not set out");
    world.step(1, 3, OrderStatus::Assigned, OrderStatus::EnrouteToPickup, world.driver).await;
    world.pass(100);
    assert!(silences(&world).await.is_empty(), "has just set out");
    world.pass(100);
    assert_eq!(silences(&world).await.len(), 1);
    world.town.finish().await;
}

#[tokio::test]
async fn nobody_waits_for_a_driver_without_an_order_on_the_way() {
    let world = world().await;
    world.at(SHOP).await.is(200);
    world.on_the_way(1).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    world.pass(3_600);
    assert!(silences(&world).await.is_empty());
    world.town.finish().await;
}
