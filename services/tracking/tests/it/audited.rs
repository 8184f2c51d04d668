//! Who did what: every operation that changes something leaves an entry, a refusal leaves none, measurements leave none.

use contracts::orders::OrderStatus;
use serde_json::json;

use crate::world::{SHOP, code, world};

#[tokio::test]
async fn what_people_change_is_written_down() {
    let world = world().await;
    world.on_the_way(1).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    let manager = &world.town.bakery.manager.token;
    let settings = json!({ "arrivals": "make", "retention_days": 30, "arriving_distance_m": 300, "show_driver": true,
        "show_position": true, "show_phone": true });
    world.town.put("/api/v1/tracking/settings", settings).bearer(manager).if_match(0).await.is(200);
    let (_, added) = world.add_device("traccar").await;
    let device =
        format!("/api/v1/drivers/{}/devices/{}", world.driver, added["device"]["id"].as_str().unwrap());
    world.town.delete(device).bearer(manager).await.is(204);
    world.town.post(format!("/api/v1/track/{}/rating", code(1)), json!({ "stars": 5 })).await.is(200);
    world.town.client.post(format!("/api/v1/track/{}/confirm", code(1))).await.is(200);
    let expected =
        ["put_tracking_settings", "add_device", "remove_device", "rate_delivery", "confirm_receipt"];
    assert_eq!(world.town.audited().await, expected);
    let by: Vec<(String, bool)> =
        sqlx::query_as("SELECT actor, org_id = $1 FROM platform.audit_entries ORDER BY at, id")
            .bind(world.town.bakery.id.uuid())
            .fetch_all(&mut world.town.db.admin().await)
            .await
            .unwrap();
    assert!(by.iter().all(|(_, own)| *own), "in the book of the organisation: {by:?}");
    assert_eq!(by[0].0, world.town.bakery.manager.user.to_string());
    assert_eq!(by[3].0, "anonymous");
    world.town.finish().await;
}

#[tokio::test]
async fn a_refusal_leaves_no_entry() {
    let world = world().await;
    world.create(1).await;
    let manager = &world.town.bakery.manager.token;
    let devices = format!("/api/v1/drivers/{}/devices", world.foreign);
    let body = json!({ "name": "Phone", "protocol": "traccar" });
    world.town.post(devices, body).bearer(manager).await.refused(404, "not_found");
    world.town.post(format!("/api/v1/track/{}/rating", code(1)), json!({ "stars": 5 })).await.is(409);
    world.town.client.post(format!("/api/v1/track/{}/confirm", code(1))).await.is(409);
    assert_eq!(world.town.audited().await, [""; 0]);
    assert_eq!(world.kinds(1).await, ["created"]);
    world.town.finish().await;
}

#[tokio::test]
async fn positions_are_measurements_and_no_deeds() {
    let world = world().await;
    world.at(SHOP).await.is(200);
    assert_eq!(world.town.audited().await, [""; 0]);
    world.town.finish().await;
}

#[tokio::test]
async fn nothing_that_is_secret_or_about_people_is_logged_or_told() {
    let world = world().await;
    let (secret, _) = world.add_device("gpslogger").await;
    world.on_the_way(1).await;
    let path =
        format!("/api/v1/ingest/gpslogger/{secret}?lat={}&lon={}&time={}", SHOP.0, SHOP.1, world.town.now());
    world.town.get(path).await.is(200);
    world.page(1).await.is(200);
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    let rating = json!({ "stars": 2, "comment": "The bell of Grace is broken" });
    world.town.post(format!("/api/v1/track/{}/rating", code(1)), rating).await.is(200);
    let told: String = world.town.events().await.iter().map(|(_, payload)| payload.to_string()).collect();
    for word in ["Grace", "Ada", &secret, &SHOP.0.to_string()] {
        assert!(!told.contains(word), "an event says {word}");
    }
    let stored = world
        .town
        .count("SELECT count(*) FROM tracking.devices WHERE encode(secret_hash, 'escape') LIKE '%dmt_%'")
        .await;
    assert_eq!(stored, 0);
    world.town.finish().await;
}
