//! Devices with apps of others.

use serde_json::{Value, json};

use crate::world::{SHOP, World, world};

impl World {
    fn devices(&self) -> String {
        format!("/api/v1/drivers/{}/devices", self.driver)
    }

    /// Adds a device of the bakery's driver; its secret and what was answered.
    pub(crate) async fn add_device(&self, protocol: &str) -> (String, Value) {
        let body = json!({ "name": "Old phone", "protocol": protocol });
        let manager = self.town.again(&self.town.bakery.manager);
        let added = self.town.post(self.devices(), body).bearer(&manager.token).await.is(201);
        (added.text("/secret"), added.json())
    }
}

#[tokio::test]
async fn a_device_is_added_with_its_secret_shown_once() {
    let world = world().await;
    let driver = &world.town.bakery.driver.token;
    let body = json!({ "name": " Old phone ", "protocol": "owntracks" });
    let post = || world.town.post(world.devices(), &body).bearer(driver).key("once");
    let added = post().await.is(201);
    let repeated = post().await.is(201);
    assert_eq!(added.json(), repeated.json(), "the same answer, not another device");
    let secret = added.text("/secret");
    assert!(added.text("/setup/link").starts_with("owntracks:///config?inline="));
    assert_eq!(added.text("/setup/url"), "https://dropmate.test/api/v1/ingest/owntracks");
    let list = world.town.get(world.devices()).bearer(driver).await.is(200);
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(list.text("/items/0/name"), "Old phone");
    assert!(!String::from_utf8_lossy(&list.body).contains(&secret));
    assert_eq!(world.town.audited().await, ["add_device"]);
    world.town.finish().await;
}

#[tokio::test]
async fn every_app_gets_its_own_instructions() {
    let world = world().await;
    for protocol in ["owntracks", "traccar", "gpslogger", "overland"] {
        let (secret, added) = world.add_device(protocol).await;
        let setup = added["setup"].to_string();
        assert!(setup.contains(&secret), "{protocol}: {setup}");
        assert!(!added["setup"]["steps"].as_array().unwrap().is_empty());
        assert_eq!(added["device"]["protocol"], protocol);
    }
    let manager = &world.town.bakery.manager.token;
    let first = world.town.get(format!("{}?limit=3", world.devices())).bearer(manager).await.is(200);
    let cursor = first.text("/next_cursor");
    let path = format!("{}?limit=3&cursor={cursor}", world.devices());
    let rest = world.town.get(path).bearer(manager).await.is(200).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    world.town.finish().await;
}

#[tokio::test]
async fn a_removed_device_is_not_believed_and_its_history_stays() {
    let world = world().await;
    let (secret, added) = world.add_device("gpslogger").await;
    let path =
        format!("/api/v1/ingest/gpslogger/{secret}?lat={}&lon={}&time={}", SHOP.0, SHOP.1, world.town.now());
    world.town.get(path.clone()).await.is(200);
    let manager = &world.town.bakery.manager.token;
    let device = format!("{}/{}", world.devices(), added["device"]["id"].as_str().unwrap());
    world.town.delete(device.clone()).bearer(manager).await.is(204);
    world.town.delete(device).bearer(manager).await.refused(404, "not_found");
    world.town.get(path).await.refused(404, "unknown_device");
    assert_eq!(world.town.count("SELECT count(*) FROM tracking.positions").await, 1);
    assert_eq!(world.town.audited().await, ["add_device", "remove_device"]);
    world.town.finish().await;
}

#[tokio::test]
async fn devices_are_handled_by_their_driver_and_those_who_run_deliveries() {
    let world = world().await;
    let other = world.another_driver(33).await;
    let (town, body) = (&world.town, json!({ "name": "Phone", "protocol": "traccar" }));
    let of_other = format!("/api/v1/drivers/{other}/devices");
    town.post(&of_other, &body).bearer(&town.bakery.driver.token).await.refused(404, "not_found");
    town.get(&of_other).bearer(&town.bakery.driver.token).await.refused(404, "not_found");
    town.post(&of_other, &body).bearer(&town.florist.owner.token).await.refused(404, "not_found");
    town.post(&of_other, &body).bearer(&town.bakery.customer.token).await.refused(403, "forbidden");
    town.post(&of_other, &body).bearer(&town.bakery.api_key).await.refused(403, "forbidden");
    let added = town.post(&of_other, &body).bearer(&town.bakery.dispatcher.token).await.is(201);
    let wrong = format!("{}/{}", world.devices(), added.text("/device/id"));
    town.delete(wrong).bearer(&town.bakery.driver.token).await.refused(404, "not_found");
    for bad in [json!({ "name": "", "protocol": "traccar" }), json!({ "name": "x", "protocol": "morse" })] {
        town.post(&of_other, bad).bearer(&town.bakery.manager.token).await.refused(422, "invalid");
    }
    world.town.finish().await;
}

#[tokio::test]
async fn a_device_tells_how_it_is() {
    let world = world().await;
    let (secret, _) = world.add_device("overland").await;
    let at = world.town.now().checked_sub(kernel::time::SignedDuration::from_secs(90)).unwrap();
    let batch = json!({ "locations": [{ "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [SHOP.1, SHOP.0] },
        "properties": { "timestamp": at, "horizontal_accuracy": 12, "battery_level": 0.5 } }] });
    world.town.post(format!("/api/v1/ingest/overland/{secret}"), &batch).await.is(200);
    let manager = &world.town.bakery.manager.token;
    let list = world.town.get(world.devices()).bearer(manager).await.is(200).json();
    let device = &list["items"][0];
    assert_eq!((&device["accuracy_m"], &device["battery"]), (&json!(12.0), &json!(0.5)));
    let skew = device["clock_skew_s"].as_f64().unwrap();
    assert!((-91.0..-89.0).contains(&skew), "{skew}");
    assert!(device["last_seen_at"].is_string() && device["last_position_at"].is_string());
    world.town.finish().await;
}
