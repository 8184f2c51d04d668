//! The way of an order: steps, failures, returns, new attempts, corrections, preparation.

use kernel::time::SignedDuration;
use serde_json::json;

use crate::world::{World, path, plain_order};

#[tokio::test]
async fn a_driver_brings_an_order_all_the_way() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    let way =
        ["enroute_to_pickup", "arrived_at_pickup", "picked_up", "enroute_to_dropoff", "arrived_at_dropoff"];
    for status in way {
        let reply = world.step(&order, driver, status).await.is(200);
        assert_eq!(
            (reply.text("/order/status"), reply.json()["moved"].clone()),
            (status.to_owned(), json!(true))
        );
    }
    let last =
        json!({ "status": "delivered", "outcome": "delivered_to_safe_place", "note": "Behind the bench." });
    let done = world.town.post(format!("{order}/status"), last).bearer(&driver.token).await.is(200);
    assert_eq!(done.text("/order/outcome"), "delivered_to_safe_place");
    assert_eq!(done.text("/order/packages/0/status"), "delivered");
    let history = world.read(&format!("{order}/events")).await;
    let kinds: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["created", "assigned", "step", "step", "step", "step", "step", "step"]);
    assert_eq!(history["items"][7]["note"], "Behind the bench.");
    let events = world.town.events().await;
    let (_, last) = events.last().unwrap();
    assert_eq!((&last["to"], &last["outcome"]), (&json!("delivered"), &json!("delivered_to_safe_place")));
    assert!(events.iter().all(|(_, event)| !event.to_string().contains("bench")), "notes stay here");
    world.town.finish().await;
}

#[tokio::test]
async fn a_repeated_step_is_done_already_and_told_once() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    world.step(&order, driver, "enroute_to_pickup").await.is(200);
    let again = world.step(&order, driver, "enroute_to_pickup").await.is(200);
    assert_eq!(again.json()["moved"], false);
    let body = json!({ "status": "arrived_at_pickup" });
    let call = || world.town.post(format!("{order}/status"), &body).bearer(&driver.token).key("tap");
    let first = call().await.is(200);
    assert_eq!(call().await.is(200).body, first.body);
    let subjects = world.town.subjects().await;
    assert_eq!(subjects.iter().filter(|subject| *subject == "order.status_changed.v1").count(), 3);
    world.town.finish().await;
}

#[tokio::test]
async fn an_illegal_step_says_what_can_follow() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let id = world.employ(driver);
    let order = world.given_to(id).await;
    let refused = world.step(&order, driver, "delivered").await.refused(409, "illegal_step");
    let said = refused.json();
    assert_eq!(said["allowed"], json!(["enroute_to_pickup", "arrived_at_pickup", "picked_up", "failed"]));
    assert_eq!((&said["driver_id"], &said["state"]["status"]), (&json!(id), &json!("assigned")));
    world.town.finish().await;
}

#[tokio::test]
async fn a_device_may_have_been_offline_for_three_days_and_not_longer() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    let now = world.town.now();
    let report = |at: kernel::time::Timestamp| {
        let body = json!({ "status": "enroute_to_pickup", "at": at });
        world.town.post(format!("{order}/status"), body).bearer(&driver.token)
    };
    report(now - SignedDuration::from_hours(73)).await.refused(422, "invalid");
    report(now + SignedDuration::from_mins(2)).await.refused(422, "invalid");
    let early = report(now - SignedDuration::from_hours(71)).await.is(200);
    assert_eq!(early.json()["moved"], true);
    let (_, event) = world.town.events().await.pop().unwrap();
    assert_eq!(event["at"], json!(now - SignedDuration::from_hours(71)));
    // A clock that is a little ahead does not write into the future.
    let body = json!({ "status": "picked_up", "at": now + SignedDuration::from_secs(50) });
    world.town.post(format!("{order}/status"), body).bearer(&driver.token).await.is(200);
    let (_, event) = world.town.events().await.pop().unwrap();
    let at: kernel::time::Timestamp = event["at"].as_str().unwrap().parse().unwrap();
    assert!(at <= world.town.now());
    world.town.finish().await;
}

#[tokio::test]
async fn what_fails_before_the_pick_up_is_over_and_what_fails_after_it_is_not() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let id = world.employ(driver);
    let manager = &world.town.bakery.manager.token;
    let fail = json!({ "status": "failed", "outcome": "failed_not_home", "failure_reason": "not_at_home" });

    let early = world.given_to(id).await;
    let failed = world.town.post(format!("{early}/status"), &fail).bearer(&driver.token).await.is(200);
    assert_eq!(failed.text("/order/blame"), "recipient");
    world.town.client.post(format!("{early}/reattempt")).bearer(manager).await.refused(409, "illegal_step");

    let late = world.given_to(id).await;
    world.step(&late, driver, "picked_up").await.is(200);
    world.town.post(format!("{late}/status"), &fail).bearer(&driver.token).await.is(200);
    let second = world.town.client.post(format!("{late}/reattempt")).bearer(manager).await.is(200);
    assert_eq!(
        (second.text("/order/status"), second.json()["order"]["attempt"].clone()),
        ("assigned".to_owned(), json!(2))
    );
    assert_eq!(second.json()["order"]["packages"][0]["status"], "picked_up", "the goods are with the driver");
    assert!(second.json()["order"].get("outcome").is_none());
    // What is with the driver is not simply taken away.
    world.town.client.post(format!("{late}/unassign")).bearer(manager).await.refused(409, "order_carried");
    world.step(&late, driver, "picked_up").await.is(200);
    world.town.post(format!("{late}/status"), &fail).bearer(&driver.token).await.is(200);
    world.step(&late, driver, "returning").await.is(200);
    let returned = world.step(&late, driver, "returned").await.is(200);
    assert_eq!(returned.text("/order/failure_reason"), "not_at_home");
    world.town.finish().await;
}

#[tokio::test]
async fn words_of_another_end_are_refused() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    let cases = [
        (json!({ "status": "picked_up", "outcome": "delivered_other" }), "/outcome"),
        (json!({ "status": "failed", "outcome": "delivered_other" }), "/outcome"),
        (json!({ "status": "failed", "failure_reason": "bad_mood" }), "/failure_reason"),
        (json!({ "status": "flying" }), "/status"),
    ];
    for (body, pointer) in cases {
        let reply = world.town.post(format!("{order}/status"), &body).bearer(&driver.token).await;
        assert_eq!((reply.status, reply.text("/errors/0/pointer").as_str()), (422, pointer), "{reply}");
    }
    world.town.finish().await;
}

#[tokio::test]
async fn cancelling_ends_what_waits_and_sends_back_what_is_carried() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let id = world.employ(driver);
    let cancel = |order: &str| {
        let body = json!({ "reason": "customer", "note": "Grace called." });
        world.town.post(format!("{order}/cancel"), body).bearer(&world.town.bakery.dispatcher.token)
    };
    let waiting = path(&world.place(plain_order()).await);
    let done = cancel(&waiting).await.is(200);
    assert_eq!(done.text("/order/status"), "cancelled");
    assert_eq!(cancel(&waiting).await.is(200).json()["moved"], false);
    let carried = world.given_to(id).await;
    world.step(&carried, driver, "picked_up").await.is(200);
    assert_eq!(cancel(&carried).await.is(200).text("/order/status"), "returning");
    world.step(&carried, driver, "returned").await.is(200);
    cancel(&carried).await.refused(409, "illegal_step");
    let events = world.town.events().await;
    let cancelled: Vec<_> = events.iter().filter(|(subject, _)| subject == "order.cancelled.v1").collect();
    assert_eq!(cancelled.len(), 2);
    assert_eq!(cancelled[1].1["driver_id"], json!(id));
    assert_eq!(cancelled[1].1["reason"], "customer");
    assert!(!events.iter().any(|(_, event)| event.to_string().contains("Grace")));
    world.town.finish().await;
}

#[tokio::test]
async fn a_correction_keeps_the_wrong_step_in_the_history() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    world.step(&order, driver, "picked_up").await.is(200);
    world.step(&order, driver, "delivered").await.is(200);
    let body = json!({ "status": "arrived_at_dropoff", "reason": "Tapped by mistake." });
    let correct = |token: &str| world.town.post(format!("{order}/corrections"), &body).bearer(token);
    correct(&world.town.bakery.dispatcher.token).await.refused(403, "forbidden");
    correct(&world.town.florist.owner.token).await.refused(404, "not_found");
    let corrected = correct(&world.town.bakery.manager.token).await.is(200);
    assert_eq!(corrected.text("/order/status"), "arrived_at_dropoff");
    assert_eq!(corrected.text("/order/packages/0/status"), "out_for_delivery");
    assert!(corrected.json()["order"].get("outcome").is_none());
    let history = world.read(&format!("{order}/events")).await;
    let last = &history["items"][4];
    assert_eq!(
        (&last["kind"], &last["from"], &last["to"]),
        (&json!("correction"), &json!("delivered"), &json!("arrived_at_dropoff"))
    );
    let (_, event) = world.town.events().await.pop().unwrap();
    assert_eq!(event["correction"], true);
    let body = json!({ "status": "cancelled", "reason": "It cannot have been." });
    let manager = &world.town.bakery.manager.token;
    world.town.post(format!("{order}/corrections"), body).bearer(manager).await.refused(409, "illegal_step");
    assert!(world.town.audited().await.contains(&"correct_order".to_owned()));
    world.town.finish().await;
}

#[tokio::test]
async fn the_shop_goes_its_own_way() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let mut body = plain_order();
    body["shop_id"] = json!(shop);
    let order = path(&world.place(body).await);
    let prepare = |status: &str| {
        let call = world.town.post(format!("{order}/preparation"), json!({ "status": status }));
        call.bearer(&world.town.bakery.dispatcher.token)
    };
    let refused = prepare("ready").await.refused(409, "illegal_preparation");
    assert_eq!(refused.json()["allowed"], json!(["accepted", "rejected"]));
    prepare("accepted").await.is(200);
    world.town.pass(SignedDuration::from_mins(5));
    let ready = prepare("ready").await.is(200);
    assert_eq!(
        (ready.text("/order/preparation"), ready.text("/order/status")),
        ("ready".to_owned(), "created".to_owned())
    );
    assert_eq!(prepare("ready").await.is(200).json()["moved"], false);
    let updated: Vec<_> =
        world.town.events().await.into_iter().filter(|(subject, _)| subject == "order.updated.v1").collect();
    assert_eq!(updated.len(), 2);
    assert_eq!(updated[1].1["changed"], json!(["preparation", "ready_at"]));
    world.town.finish().await;
}
