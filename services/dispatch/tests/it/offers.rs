//! Offers: drivers are asked.

use kernel::time::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Driver, World};

async fn asking(rounds: u16, breadth: u16) -> World {
    let world = World::new().await;
    world
        .policy(json!({ "strategy": "broadcast", "offer_s": 30, "breadth": breadth, "rounds": rounds, "max_orders": 2 }))
        .await;
    world
}

async fn only(world: &World, driver: &Driver) -> Value {
    let offers = world.offers_of(driver).await;
    assert_eq!(offers.len(), 1, "{offers:?}");
    offers[0].clone()
}

#[tokio::test]
async fn the_first_to_accept_of_the_nearest_few_gets_it() {
    let world = asking(2, 2).await;
    let (a, b, c) = (world.driver(1.0).await, world.driver(2.0).await, world.driver(3.0).await);
    let order = world.order(0.0, 2.0).await;
    assert_eq!(world.queue().await, [(order.to_string(), "offered".to_owned())]);
    assert_eq!(world.offers_of(&c).await, Vec::<Value>::new());
    let (to_a, to_b) = (only(&world, &a).await, only(&world, &b).await);
    world.answer(&b, &to_b, "accept", &json!(null)).await.is(200);
    let late = world.answer(&a, &to_a, "accept", &json!(null)).await.refused(409, "offer_closed");
    assert_eq!(late.json()["state"], "withdrawn");
    world.town.settle().await;
    assert_eq!(world.told(), [(order, b.id)]);
    // Accepting again says the same and does nothing.
    world.answer(&b, &to_b, "accept", &json!(null)).await.is(200);
    world.town.settle().await;
    assert_eq!(world.told(), []);
    assert_eq!(
        world.town.subjects().await,
        ["dispatch.offer_made.v1", "dispatch.offer_made.v1", "dispatch.assignment_proposed.v1"]
    );
    world.town.finish().await;
}

#[tokio::test]
async fn two_who_accept_at_once_do_not_both_get_it() {
    let world = asking(2, 3).await;
    let drivers = [world.driver(1.0).await, world.driver(2.0).await, world.driver(3.0).await];
    world.order(0.0, 2.0).await;
    let mut calls = Vec::new();
    for driver in &drivers {
        let offer = only(&world, driver).await;
        calls.push(world.answer(driver, &offer, "accept", &json!(null)).send());
    }
    let replies = futures::future::join_all(calls).await;
    let accepted = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((accepted, replies.iter().filter(|reply| reply.code() == "offer_closed").count()), (1, 2));
    world.town.settle().await;
    assert_eq!(world.told().len(), 1);
    world.town.finish().await;
}

#[tokio::test]
async fn who_declines_is_not_asked_again_and_the_next_round_asks_more() {
    let world = asking(2, 1).await;
    let (a, b, c) = (world.driver(1.0).await, world.driver(2.0).await, world.driver(3.0).await);
    let order = world.order(0.0, 2.0).await;
    let offer = only(&world, &a).await;
    let reply = world.answer(&a, &offer, "decline", &json!({ "reason": "too_far" })).await.is(200);
    assert_eq!((reply.text("/state"), reply.text("/reason")), ("declined".to_owned(), "too_far".to_owned()));
    world.town.settle().await;
    assert_eq!(world.offers_of(&a).await, Vec::<Value>::new());
    let (to_b, to_c) = (only(&world, &b).await, only(&world, &c).await);
    for (driver, offer) in [(&b, to_b), (&c, to_c)] {
        world.answer(driver, &offer, "decline", &json!({})).await.is(200);
    }
    world.town.settle().await;
    assert_eq!(world.queue().await, [(order.to_string(), "stuck".to_owned())], "a person has to decide");
    let events = world.town.events().await;
    let declined: Vec<&Value> =
        events.iter().filter(|(subject, _)| subject.contains("declined")).map(|(_, event)| event).collect();
    assert_eq!(declined.len(), 3);
    assert_eq!((&declined[0]["reason"], &declined[0]["expired"]), (&json!("too_far"), &json!(false)));
    world.town.finish().await;
}

#[tokio::test]
async fn who_does_not_answer_in_time_has_declined() {
    let world = asking(3, 1).await;
    let (a, b) = (world.driver(1.0).await, world.driver(2.0).await);
    world.order(0.0, 2.0).await;
    let offer = only(&world, &a).await;
    world.town.pass(SignedDuration::from_secs(31));
    // Too late, although nothing has noticed yet.
    let late = world.answer(&a, &offer, "accept", &json!(null)).await.refused(409, "offer_closed");
    assert_eq!(late.json()["state"], "expired");
    world.town.settle().await;
    assert_eq!(world.offers_of(&a).await, Vec::<Value>::new());
    only(&world, &b).await;
    let events = world.town.events().await;
    assert!(events.iter().any(|(subject, event)| subject.contains("declined") && event["expired"] == true));
    world.town.finish().await;
}

#[tokio::test]
async fn offers_to_others_are_not_there() {
    let world = asking(2, 1).await;
    let (a, b) = (world.driver(1.0).await, world.driver(2.0).await);
    world.order(0.0, 2.0).await;
    let offer = only(&world, &a).await;
    for answer in ["accept", "decline"] {
        let body = if answer == "decline" { json!({}) } else { json!(null) };
        world.answer(&b, &offer, answer, &body).await.refused(404, "not_found");
    }
    let florist = &world.town.florist.driver;
    let path = format!("/api/v1/offers/{}/accept", offer["id"].as_str().unwrap());
    world.town.client.post(path).bearer(&florist.token).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn a_cancelled_order_takes_its_offers_back() {
    use contracts::orders::OrderStatus;
    let world = asking(2, 1).await;
    let driver = world.driver(1.0).await;
    let order = world.order(0.0, 2.0).await;
    let offer = only(&world, &driver).await;
    world.moved(order, OrderStatus::Created, OrderStatus::Cancelled, None).await;
    world.answer(&driver, &offer, "accept", &json!(null)).await.refused(409, "offer_closed");
    assert_eq!(world.told(), []);
    world.town.pass(SignedDuration::from_mins(2));
    world.town.finish().await;
}
