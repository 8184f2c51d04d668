//! Nearest: somebody is found without anybody being asked.

use contracts::calls::AssignOrder;
use contracts::drivers::{Availability, DriverFacts};
use contracts::orders::OrderStatus;
use contracts::storefront::{ZoneCreated, ZoneFacts};
use contracts::tracking::TravelLearned;
use kernel::ids::ZoneId;
use kernel::time::SignedDuration;
use kernel::travel::{Factors, Profile};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn people_decide_until_somebody_says_otherwise() {
    let world = World::new().await;
    let driver = world.driver(1.0).await;
    let order = world.order(0.0, 2.0).await;
    assert_eq!(world.told(), []);
    assert_eq!(world.queue().await, [(order.to_string(), "waiting".to_owned())]);
    let seen = world.get(&format!("/api/v1/dispatch/orders/{order}/candidates")).await;
    assert_eq!(seen["candidates"][0]["driver_id"], driver.id.to_string());
    assert_eq!(
        (&seen["candidates"][0]["fits"], &seen["travel_times"]),
        (&json!(true), &json!("straight_line"))
    );
    // The new strategy looks at what waits.
    world.policy(json!({ "strategy": "nearest" })).await;
    assert_eq!(world.told(), [(order, driver.id)]);
    world.town.finish().await;
}

#[tokio::test]
async fn the_nearest_gets_it_and_the_decision_says_why_not_the_others() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest", "radius_m": 9_000 })).await;
    let far = world.driver(12.0).await;
    let near = world.driver(1.0).await;
    let off = world.driver_with(0.5, |facts| facts.active = false).await;
    let order = world.order(0.0, 2.0).await;
    assert_eq!(world.told(), [(order, near.id)]);
    assert_eq!(world.queue().await, [(order.to_string(), "proposed".to_owned())]);
    assert_eq!(world.town.subjects().await, ["dispatch.assignment_proposed.v1"]);
    let decisions = world.get(&format!("/api/v1/dispatch/decisions?order={order}")).await;
    let proposal = &decisions["items"][0]["proposals"][0];
    assert_eq!((&proposal["step"], &proposal["driver_ids"]), (&json!("assign"), &json!([near.id])));
    let why = |driver: kernel::ids::DriverId| {
        let all = proposal["candidates"].as_array().unwrap();
        all.iter().find(|one| one["driver_id"] == driver.to_string()).unwrap()["obstacles"].clone()
    };
    assert_eq!(why(near.id), json!([]));
    assert_eq!(why(far.id), json!(["too_far"]));
    assert_eq!(why(off.id), json!(["inactive"]));
    // The same decision by itself, and none of the florist's business.
    let id = decisions["items"][0]["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/api/v1/dispatch/decisions/{id}")).await, decisions["items"][0]);
    let foreign = world.town.get(format!("/api/v1/dispatch/decisions/{id}"));
    foreign.bearer(&world.town.florist.owner.token).await.refused(404, "not_found");
    world.assigned(order, &near).await;
    assert_eq!(world.queue().await, []);
    world.town.finish().await;
}

#[tokio::test]
async fn who_is_nearest_follows_from_how_long_ways_really_take() {
    let world = World::new().await;
    let rides = |profile| move |facts: &mut DriverFacts| facts.vehicle.as_mut().unwrap().profile = profile;
    let cyclist = world.driver_with(1.0, rides(Profile::Bicycle)).await;
    let car = world.driver_with(1.5, rides(Profile::Car)).await;
    let first = world.order(0.0, 2.0).await;
    let nearest = |order| {
        let path = format!("/api/v1/dispatch/orders/{order}/candidates");
        let world = &world;
        async move { world.get(&path).await["candidates"][0].clone() }
    };
    let before = nearest(first).await;
    // In this town cars stand in queues.
    let by_source = [("straight_line/car".to_owned(), vec![3.0; 24])].into();
    let factors = Factors { time_zone: "Europe/Helsinki".to_owned(), by_source };
    let org = world.town.bakery.id;
    world.town.publish(org, org.uuid(), 1, &TravelLearned { factors }).await;
    world.town.settle().await;
    let after = nearest(first).await;
    assert_eq!(
        (&before["driver_id"], &after["driver_id"]),
        (&json!(car.id), &json!(cyclist.id)),
        "{before} {after}"
    );
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_waits_until_somebody_is_there() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    let order = world.order(0.0, 2.0).await;
    assert_eq!((world.told(), world.queue().await.len()), (vec![], 1));
    let driver = world.driver(1.0).await;
    assert_eq!(world.told(), [(order, driver.id)], "who comes on duty is the one it waited for");
    world.town.finish().await;
}

#[tokio::test]
async fn nobody_is_given_more_than_the_policy_allows_and_a_finished_order_makes_room() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest", "max_orders": 1 })).await;
    let driver = world.driver(1.0).await;
    let first = world.order(0.0, 2.0).await;
    let second = world.order(0.0, 2.0).await;
    assert_eq!(world.told(), [(first, driver.id)], "also before orders has answered");
    world.assigned(first, &driver).await;
    assert_eq!(world.told(), []);
    world.moved(first, OrderStatus::ArrivedAtDropoff, OrderStatus::Delivered, Some(&driver)).await;
    assert_eq!(world.told(), [(second, driver.id)]);
    world.town.finish().await;
}

#[tokio::test]
async fn what_is_not_ready_for_long_is_not_looked_at_yet() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest", "lead_s": 600 })).await;
    let driver = world.driver(1.0).await;
    let ready = world.town.now().checked_add(SignedDuration::from_mins(40)).unwrap();
    let order = world.order_with(0.0, 2.0, |facts| facts.ready_at = Some(ready)).await;
    assert_eq!(world.told(), []);
    world.town.pass(SignedDuration::from_mins(29));
    world.town.settle().await;
    assert_eq!(world.told(), []);
    world.town.pass(SignedDuration::from_mins(2));
    world.town.settle().await;
    assert_eq!(world.told(), [(order, driver.id)], "by its own job, without any event");
    world.town.finish().await;
}

#[tokio::test]
async fn a_zone_with_drivers_of_its_own_is_served_by_them() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    let _near = world.driver(1.0).await;
    let own = world.driver(5.0).await;
    let town = &world.town;
    let zone: ZoneId = town.db.random.id(town.now());
    let facts = ZoneFacts { pool: vec![own.id], ..ZoneFacts::example() };
    town.publish(town.bakery.id, zone, 1, &ZoneCreated { zone_id: zone, facts }).await;
    let order = world.order_with(0.0, 2.0, |facts| facts.zone_id = Some(zone)).await;
    assert_eq!(world.told(), [(order, own.id)]);
    world.town.finish().await;
}

#[tokio::test]
async fn what_orders_refuses_waits_again() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    world.driver(1.0).await;
    world.orders_refuses();
    let order = world.order(0.0, 2.0).await;
    assert_eq!(world.told().len(), 1);
    assert_eq!(world.queue().await, [(order.to_string(), "waiting".to_owned())]);
    // The event that explains it arrives: nothing is proposed any more.
    world.moved(order, OrderStatus::Created, OrderStatus::Cancelled, None).await;
    world.town.pass(SignedDuration::from_secs(10));
    world.town.settle().await;
    assert_eq!((world.told(), world.queue().await), (vec![], vec![]));
    world.town.finish().await;
}

#[tokio::test]
async fn orders_and_tracking_may_be_away() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    let driver = world.driver_with(9.0, |facts| facts.home = Some(crate::world::place(1.0))).await;
    world.tracking.away(true);
    world.orders.away(true);
    let order = world.order(0.0, 2.0).await;
    assert_eq!(world.told(), [], "it could not be told");
    assert_eq!(world.queue().await[0].1, "proposed");
    world.orders.away(false);
    world.town.pass(SignedDuration::from_mins(5));
    world.town.settle().await;
    assert_eq!(world.told(), [(order, driver.id)], "told when it was back, once");
    world.town.finish().await;
}

#[tokio::test]
async fn a_repeated_proposal_carries_the_same_key() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    world.driver(1.0).await;
    let order = world.order(0.0, 2.0).await;
    let told = world.orders.told();
    assert_eq!(told.len(), 1);
    let decisions = world.get(&format!("/api/v1/dispatch/decisions?order={order}")).await;
    let id = decisions["items"][0]["id"].as_str().unwrap();
    assert_eq!(told[0].key.as_deref(), Some(format!("{id}/{order}").as_str()));
    let call: AssignOrder = serde_json::from_value(told[0].body.clone()).unwrap();
    assert_eq!((call.instead_of, call.attempt), (None, 1));
    world.town.finish().await;
}

#[tokio::test]
async fn an_unassigned_order_is_looked_at_anew() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest", "max_orders": 1 })).await;
    let first = world.driver(1.0).await;
    let order = world.order(0.0, 2.0).await;
    world.assigned(order, &first).await;
    assert_eq!(world.told().len(), 1);
    let second = world.driver(3.0).await;
    world.says(first.id, 3, Availability::OnBreak).await;
    world.moved(order, OrderStatus::Assigned, OrderStatus::Created, None).await;
    assert_eq!(world.told(), [(order, second.id)]);
    assert_eq!(world.stops(&first).await, []);
    world.town.finish().await;
}
