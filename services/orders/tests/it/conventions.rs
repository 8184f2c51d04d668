//! What holds for every operation that changes something: a foreign organisation finds nothing, a repeated key does nothing
//! twice, and races leave one history.

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::http::Call;

use crate::world::{World, path, plain_order};

/// Every POST on an order, with a body that is accepted.
fn posts(driver: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("status", json!({ "status": "picked_up" })),
        ("cancel", json!({ "reason": "other" })),
        ("reattempt", Value::Null),
        ("preparation", json!({ "status": "accepted" })),
        ("assign", json!({ "driver_id": driver })),
        ("unassign", Value::Null),
        ("handover", json!({ "to_driver_id": driver })),
        ("corrections", json!({ "status": "picked_up", "reason": "Forgotten." })),
        ("duplicate", Value::Null),
        ("pins", json!({ "stop": "dropoff", "pin": "4071" })),
        ("proofs", json!({ "stop": "dropoff", "notes": "x" })),
    ]
}

fn send(world: &World, order: &str, verb: &str, body: &Value, token: &str) -> Call {
    let call = world.town.client.post(format!("{order}/{verb}")).bearer(token);
    if body.is_null() { call } else { call.json(body) }
}

#[tokio::test]
async fn nothing_of_an_organisation_is_there_for_another_one() {
    let world = World::new().await;
    let order = world.given_to(world.stranger()).await;
    let number = world.read(&order).await["packages"][0]["tracking_number"].as_str().unwrap().to_owned();
    let before = world.read(&format!("{order}/events")).await;
    let owner = &world.town.florist.owner.token;
    for (verb, body) in posts(&json!(world.stranger())) {
        send(&world, &order, verb, &body, owner).await.refused(404, "not_found");
    }
    for part in ["", "/summary", "/events", "/proofs"] {
        world.town.get(format!("{order}{part}")).bearer(owner).await.refused(404, "not_found");
    }
    let package = format!("/api/v1/packages/{number}");
    world.town.delete(&package).bearer(owner).await.refused(404, "not_found");
    world.town.get(format!("{package}/locations")).bearer(owner).await.refused(404, "not_found");
    let scan = json!({ "status": "picked_up" });
    world.town.post(format!("{package}/status"), scan).bearer(owner).await.refused(404, "not_found");
    assert_eq!(world.read(&format!("{order}/events")).await, before, "refusals changed nothing");
    world.town.finish().await;
}

#[tokio::test]
async fn a_driver_finds_only_what_the_driver_has() {
    let world = World::new().await;
    let order = world.given_to(world.stranger()).await;
    let driver = &world.town.bakery.driver;
    world.employ(driver);
    for (verb, body) in posts(&json!(world.stranger())) {
        let reply = send(&world, &order, verb, &body, &driver.token).await;
        assert!(matches!(reply.status, 403 | 404), "{verb}: {reply}");
    }
    assert_eq!(world.status(&order).await, "assigned");
    world.town.finish().await;
}

#[tokio::test]
async fn a_repeated_key_gets_the_same_answer_and_does_nothing_twice() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let owner = &world.town.bakery.owner.token;
    for (verb, body) in posts(&json!(world.stranger())) {
        let mut new = plain_order();
        new["shop_id"] = json!(shop);
        if verb != "assign" {
            new["driver_id"] = json!(world.stranger());
        }
        let order = path(&world.place(new).await);
        let steps: &[&str] = match verb {
            "handover" => &["picked_up"],
            "reattempt" => &["picked_up", "failed"],
            _ => &[],
        };
        for step in steps {
            send(&world, &order, "status", &json!({ "status": step }), owner).await.is(200);
        }
        let first = send(&world, &order, verb, &body, owner).key(verb).await;
        assert!(first.status < 300, "{verb}: {first}");
        let (events, audited) = (world.town.events().await.len(), world.town.audited().await.len());
        let again = send(&world, &order, verb, &body, owner).key(verb).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{verb}");
        assert_eq!(again.header("idempotency-replayed"), "true", "{verb}");
        assert_eq!(world.town.events().await.len(), events, "{verb}: told twice");
        assert_eq!(world.town.audited().await.len(), audited, "{verb}: audited twice");
    }
    world.town.finish().await;
}

#[tokio::test]
async fn every_change_is_audited_under_its_own_name() {
    let world = World::new().await;
    let owner = &world.town.bakery.owner.token;
    let order = world.given_to(world.stranger()).await;
    let number = world.read(&order).await["packages"][1]["tracking_number"].as_str().unwrap().to_owned();
    let package = format!("/api/v1/packages/{number}");
    world.town.patch(&order, json!({ "priority": 1 })).bearer(owner).if_match(2).await.is(200);
    world.town.patch(&package, json!({ "count": 2 })).bearer(owner).if_match(1).await.is(200);
    world.town.delete(&package).bearer(owner).await.is(204);
    let new = json!({ "package": {}, "order_id": order.rsplit('/').next() });
    world.town.post("/api/v1/packages", new).bearer(owner).await.is(201);
    for (verb, body) in [
        ("pins", json!({ "stop": "dropoff", "pin": "4071" })),
        ("proofs", json!({ "stop": "pickup", "notes": "x" })),
        ("status", json!({ "status": "picked_up" })),
        ("handover", json!({ "to_driver_id": world.stranger() })),
        ("corrections", json!({ "status": "assigned", "reason": "Not yet." })),
        ("unassign", Value::Null),
        ("cancel", json!({ "reason": "other" })),
    ] {
        let reply = send(&world, &order, verb, &body, owner).await;
        assert!(reply.status < 300, "{verb}: {reply}");
    }
    let audited = world.town.audited().await;
    let wanted = [
        "create_order",
        "create_order",
        "update_order",
        "update_package",
        "delete_package",
        "create_package",
        "set_order_pin",
        "capture_proof",
        "report_order_status",
        "hand_over_order",
        "correct_order",
        "unassign_order",
        "cancel_order",
    ];
    assert_eq!(audited, wanted);
    world.town.finish().await;
}

#[tokio::test]
async fn scans_of_all_packages_at_once_move_the_order_once() {
    let world = World::new().await;
    let device = &world.town.bakery.device_key;
    for _ in 0..5 {
        let mut body = plain_order();
        body["driver_id"] = json!(world.stranger());
        body["packages"] = json!([{}, {}, {}, {}]);
        let order = path(&world.place(body).await);
        let now = world.read(&order).await;
        let numbers =
            now["packages"].as_array().unwrap().iter().map(|one| one["tracking_number"].as_str().unwrap());
        let scans = numbers.map(|number| {
            let path = format!("/api/v1/packages/{number}/status");
            world.town.post(path, json!({ "status": "picked_up" })).bearer(device).send()
        });
        for reply in join_all(scans).await {
            reply.is(200);
        }
        let now = world.read(&order).await;
        assert_eq!(now["status"], "picked_up");
        assert!(now["packages"].as_array().unwrap().iter().all(|one| one["status"] == "picked_up"));
        let history = world.read(&format!("{order}/events")).await;
        let steps = history["items"].as_array().unwrap().iter().filter(|one| one["kind"] == "step").count();
        assert_eq!(steps, 1);
    }
    world.town.finish().await;
}

#[tokio::test]
async fn of_changes_that_saw_the_same_version_one_is_made() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    let manager = &world.town.bakery.manager.token;
    let changes = (1..=5).map(|priority| {
        world.town.patch(&order, json!({ "priority": priority })).bearer(manager).if_match(1).send()
    });
    let replies = join_all(changes).await;
    let made: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(made.len(), 1);
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 412)));
    let now = world.read(&order).await;
    assert_eq!((&now["priority"], &now["version"]), (&made[0].json()["priority"], &json!(2)));
    world.town.finish().await;
}

#[tokio::test]
async fn wrong_pins_at_once_are_each_counted() {
    let world = World::new().await;
    let mut body = plain_order();
    body["driver_id"] = json!(world.stranger());
    body["pins"] = json!({ "dropoff": "4071" });
    let order = path(&world.place(body).await);
    let manager = &world.town.bakery.manager.token;
    let wrong = json!({ "stop": "dropoff", "pin": "0000" });
    let tries = (0..8).map(|_| send(&world, &order, "proofs", &wrong, manager).send());
    let replies = join_all(tries).await;
    let said = |code: &str| replies.iter().filter(|reply| reply.code() == code).count();
    assert_eq!((said("pin_wrong"), said("pin_locked")), (4, 4));
    let right = json!({ "stop": "dropoff", "pin": "4071" });
    send(&world, &order, "proofs", &right, manager).await.refused(409, "pin_locked");
    world.town.finish().await;
}
