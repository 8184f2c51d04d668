//! Placing orders.

use contracts::storefront::{ShopDeleted, ShopFacts, ShopUpdated, ZoneDeleted};
use kernel::ids::OrderId;
use kernel::time::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, path, plain_order};

#[tokio::test]
async fn a_manager_places_an_order_and_reads_it_back() {
    let world = World::new().await;
    let placed = world.place(plain_order()).await;
    assert_eq!(placed.header("location"), path(&placed));
    assert_eq!(placed.text("/number"), "D-001");
    assert_eq!(placed.text("/tracking_code").len(), 12);
    assert_eq!(placed.json()["packages"].as_array().unwrap().len(), 2);
    let read = world.town.get(path(&placed)).bearer(&world.town.bakery.manager.token).await.is(200);
    assert_eq!(read.json(), placed.json());
    assert_eq!(read.version(), 1);
    assert_eq!(world.town.subjects().await, ["order.created.v1"]);
    assert_eq!(world.town.audited().await, ["create_order"]);
    let (_, event) = &world.town.events().await[0];
    assert_eq!(event["facts"]["load"], json!({ "weight_g": 1500, "volume_ml": 4000, "count": 2 }));
    assert_eq!(event["packages"].as_array().unwrap().len(), 2);
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_of_a_shop_takes_its_place_its_letters_and_its_day() {
    let world = World::new().await;
    let (shop, zone) = world.shop().await;
    let mut body = plain_order();
    body["shop_id"] = json!(shop);
    body.as_object_mut().unwrap().remove("pickup");
    let first = world.place(body.clone()).await;
    assert_eq!(
        (first.text("/number"), first.text("/preparation")),
        ("A-001".to_owned(), "pending".to_owned())
    );
    assert_eq!(first.text("/pickup/street"), "Aleksanterinkatu 52");
    assert_eq!(first.text("/zone_id"), zone.to_string());
    let ready: kernel::time::Timestamp = first.text("/ready_at").parse().unwrap();
    let placed: kernel::time::Timestamp = first.text("/placed_at").parse().unwrap();
    assert_eq!(ready.duration_since(placed), SignedDuration::from_mins(15));
    assert_eq!(world.place(body.clone()).await.text("/number"), "A-002");
    world.town.pass(SignedDuration::from_hours(24));
    let manager = world.town.again(&world.town.bakery.manager);
    let tomorrow = world.town.post("/api/v1/orders", &body).bearer(&manager.token).await.is(201);
    assert_eq!(tomorrow.text("/number"), "A-001");
    world.town.finish().await;
}

#[tokio::test]
async fn numbers_of_orders_that_are_placed_at_once_have_no_gaps_and_no_twins() {
    let world = World::new().await;
    let placing = (0..8).map(|_| world.place(plain_order()));
    let mut numbers: Vec<String> =
        futures::future::join_all(placing).await.iter().map(|placed| placed.text("/number")).collect();
    numbers.sort();
    let wanted: Vec<String> = (1..=8).map(|number| format!("D-{number:03}")).collect();
    assert_eq!(numbers, wanted);
    world.town.finish().await;
}

#[tokio::test]
async fn with_a_driver_the_order_is_created_and_assigned_and_each_is_told_once() {
    let world = World::new().await;
    let driver = world.stranger();
    let order = world.given_to(driver).await;
    let now = world.read(&order).await;
    assert_eq!((&now["status"], &now["driver_id"]), (&json!("assigned"), &json!(driver)));
    assert_eq!(
        world.town.subjects().await,
        ["order.created.v1", "order.assigned.v1", "order.status_changed.v1"]
    );
    let events = world.town.events().await;
    assert_eq!(events[1].1["driver_id"], json!(driver));
    assert_eq!((&events[2].1["from"], &events[2].1["to"]), (&json!("created"), &json!("assigned")));
    world.town.finish().await;
}

#[tokio::test]
async fn the_same_key_places_one_order() {
    let world = World::new().await;
    let post = |body: &Value| {
        let call = world.town.post("/api/v1/orders", body.clone());
        call.bearer(&world.town.bakery.api_key).key("web-1")
    };
    let mut body = plain_order();
    body["driver_id"] = json!(world.stranger());
    let first = post(&body).await.is(201);
    let again = post(&body).await.is(201);
    assert_eq!((again.body, again.headers["idempotency-replayed"].as_bytes()), (first.body, &b"true"[..]));
    post(&plain_order()).await.refused(422, "idempotency_mismatch");
    assert_eq!(world.town.count("SELECT count(*) FROM orders.orders").await, 1);
    assert_eq!(world.town.subjects().await.len(), 3);
    world.town.finish().await;
}

#[tokio::test]
async fn what_means_nothing_is_refused_by_field() {
    let world = World::new().await;
    let driver = world.stranger();
    let cases = [
        ("/pickup", json!({ "pickup": null })),
        ("/shop_id", json!({ "shop_id": "shop_01h455vb4pex5vsknk084sn02q" })),
        (
            "/dropoff/contact/phone",
            json!({ "dropoff": { "street": "A 1", "postcode": "1", "city": "B", "contact": { "phone": "040" } } }),
        ),
        (
            "/dropoff/window",
            json!({ "dropoff": { "street": "A 1", "postcode": "1", "city": "B",
            "window": { "from": "2026-11-20T12:00:00Z", "until": "2026-11-20T11:00:00Z" } } }),
        ),
        ("/metadata", json!({ "metadata": { "deep": { "er": 1 } } })),
        ("/pins/return", json!({ "proof": { "return": { "pin": "required" } } })),
        ("/ready_at", json!({ "ready_at": "-000001-01-01T00:00:00Z" })),
        ("/priority", json!({ "priority": 1000 })),
        ("/cash/amount_minor", json!({ "cash": { "amount_minor": 0, "currency": "EUR" } })),
    ];
    for (pointer, change) in cases {
        let mut body = plain_order();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let reply = world.town.post("/api/v1/orders", &body).bearer(&world.town.bakery.manager.token).await;
        assert_eq!(reply.status, 422, "{pointer}: {reply}");
        assert_eq!(reply.text("/errors/0/pointer"), pointer, "{reply}");
    }
    let mut body = plain_order();
    body["driver_id"] = json!(driver);
    let customer = &world.town.bakery.customer.token;
    world.town.post("/api/v1/orders", body).bearer(customer).await.refused(403, "forbidden");
    assert_eq!(world.town.count("SELECT count(*) FROM orders.orders").await, 0);
    world.town.finish().await;
}

#[tokio::test]
async fn a_copy_has_a_number_and_codes_of_its_own() {
    let world = World::new().await;
    let driver = world.stranger();
    let order = world.given_to(driver).await;
    let original = world.read(&order).await;
    let call = || {
        let call = world.town.client.post(format!("{order}/duplicate"));
        call.bearer(&world.town.bakery.dispatcher.token).key("copy")
    };
    let copy = call().await.is(201);
    assert_eq!(call().await.is(201).body, copy.body);
    let copied = copy.json();
    assert_eq!((&copied["status"], &copied["source"]), (&json!("created"), &json!("duplicate")));
    for same in ["/dropoff/contact_name", "/dropoff/door", "/dropoff/street", "/metadata", "/tags"] {
        assert_eq!(copied.pointer(same), original.pointer(same), "{same}");
    }
    for other in ["/id", "/number", "/tracking_code", "/packages/0/tracking_number"] {
        assert_ne!(copied.pointer(other), original.pointer(other), "{other}");
    }
    let subjects = world.town.subjects().await;
    assert_eq!(subjects.iter().filter(|subject| *subject == "order.created.v1").count(), 2);
    let florist = &world.town.florist.owner.token;
    world.town.client.post(format!("{order}/duplicate")).bearer(florist).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn what_storefront_tells_twice_or_late_changes_nothing() {
    let world = World::new().await;
    let (shop, zone) = world.shop().await;
    let (town, org) = (&world.town, world.town.bakery.id);
    let moved = ShopFacts { street: "Mannerheimintie 1".to_owned(), ..ShopFacts::example() };
    town.publish(org, shop, 3, &ShopUpdated { shop_id: shop, facts: moved }).await;
    town.publish(org, shop, 2, &ShopUpdated { shop_id: shop, facts: ShopFacts::example() }).await;
    town.publish(org, zone, 2, &ZoneDeleted { zone_id: zone }).await;
    town.settle().await;
    let mut body = plain_order();
    body["shop_id"] = json!(shop);
    body.as_object_mut().unwrap().remove("pickup");
    let placed = world.place(body.clone()).await;
    assert_eq!(placed.text("/pickup/street"), "Mannerheimintie 1");
    assert!(placed.json().get("zone_id").is_none(), "the zone is gone");
    town.publish(org, shop, 4, &ShopDeleted { shop_id: shop }).await;
    town.settle().await;
    let refused = town.post("/api/v1/orders", &body).bearer(&town.bakery.manager.token).await;
    assert_eq!(refused.text("/errors/0/pointer"), "/shop_id");
    // Another organisation's shop is not there either.
    let foreign = town.post("/api/v1/orders", &body).bearer(&town.florist.manager.token).await;
    assert_eq!(foreign.text("/errors/0/pointer"), "/shop_id");
    let _: OrderId = placed.text("/id").parse().unwrap();
    world.town.finish().await;
}
