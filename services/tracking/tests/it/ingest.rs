//! What tracker apps send, in their own words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::time::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::http::Call;

use crate::world::{SHOP, World, world};

fn basic(call: Call, password: &str) -> Call {
    call.header("authorization", &format!("Basic {}", STANDARD.encode(format!("phone:{password}"))))
}

fn ago(world: &World, seconds: i64) -> Timestamp {
    world.town.now().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

async fn stored(world: &World) -> i64 {
    world.town.count("SELECT count(*) FROM tracking.positions").await
}

/// What was stored last, as the bakery sees it.
async fn last(world: &World) -> Value {
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.get(World::location(world.driver)).bearer(&manager.token).await.is(200).json()
}

#[tokio::test]
async fn owntracks_reports_over_http_with_a_password() {
    let world = world().await;
    let (secret, _) = world.add_device("owntracks").await;
    let tst = ago(&world, 5).as_second();
    let location = json!({ "_type": "location", "_id": "5e8c3b1a", "BSSID": "00:11:22:33:44:55", "acc": 13, "alt": 48, "batt": 81,
        "bs": 1, "cog": 270, "conn": "m", "created_at": tst + 2, "lat": SHOP.0, "lon": SHOP.1, "m": 1, "t": "u", "tid": "ad",
        "topic": "owntracks/ada/phone", "tst": tst, "vac": 3, "vel": 18 });
    let post = |body: &Value| basic(world.town.post("/api/v1/ingest/owntracks?u=ada&d=phone", body), &secret);
    let answer = post(&location).await.is(200);
    assert_eq!(answer.body, "[]");
    post(&location).await.is(200);
    assert_eq!(stored(&world).await, 1, "sent again, stored once");
    let seen = last(&world).await;
    assert_eq!((&seen["speed_m_s"], &seen["heading_deg"]), (&json!(5.0), &json!(270.0)));
    for other in [json!({ "_type": "lwt", "tst": tst }), json!({ "_type": "waypoints", "waypoints": [] })] {
        assert_eq!(post(&other).await.is(200).body, "[]");
    }
    post(&json!({ "_type": "encrypted", "data": "x" })).await.refused(422, "unreadable");
    world.town.finish().await;
}

#[tokio::test]
async fn a_secret_that_nobody_knows_is_refused_by_every_protocol() {
    let world = world().await;
    let town = &world.town;
    let location = json!({ "_type": "location", "lat": SHOP.0, "lon": SHOP.1, "tst": 1 });
    basic(town.post("/api/v1/ingest/owntracks", &location), "dmt_wrong").await.refused(404, "unknown_device");
    town.post("/api/v1/ingest/owntracks", &location).await.refused(404, "unknown_device");
    let bearer = town.post("/api/v1/ingest/owntracks", &location).bearer(&town.bakery.owner.token);
    bearer.await.refused(404, "unknown_device");
    let message = json!({ "device_id": "dmt_wrong", "location": {} });
    town.post("/api/v1/ingest/traccar", &message).await.refused(404, "unknown_device");
    town.get("/api/v1/ingest/traccar?id=dmt_wrong&lat=1&lon=1").await.refused(400, "unknown_device");
    town.get("/api/v1/ingest/traccar?lat=1&lon=1").await.refused(400, "unknown_device");
    town.get("/api/v1/ingest/gpslogger/dmt_wrong?lat=1&lon=1").await.refused(404, "unknown_device");
    town.post("/api/v1/ingest/overland/dmt_wrong", json!({ "locations": [] }))
        .await
        .refused(404, "unknown_device");
    town.post("/api/v1/ingest/overland", json!({ "locations": [] })).await.refused(404, "unknown_device");
    assert_eq!(stored(&world).await, 0);
    world.town.finish().await;
}

#[tokio::test]
async fn the_traccar_client_speaks_json() {
    let world = world().await;
    let (secret, _) = world.add_device("traccar").await;
    let message = json!({ "device_id": secret, "location": { "timestamp": ago(&world, 5), "coords": {
        "latitude": SHOP.0, "longitude": SHOP.1, "accuracy": 4.7, "speed": 5.2, "heading": 181.5, "altitude": 21.3 },
        "is_moving": true, "odometer": 1204, "event": "motionchange", "battery": { "level": 0.63, "is_charging": false },
        "activity": { "type": "on_bicycle" }, "extras": {} } });
    let answer = world.town.post("/api/v1/ingest/traccar", &message).await.is(200);
    assert!(answer.body.is_empty());
    assert_eq!(last(&world).await["battery"], json!(0.63));
    let heartbeat =
        json!({ "device_id": secret, "location": { "timestamp": ago(&world, 1), "event": "heartbeat" } });
    world.town.post("/api/v1/ingest/traccar", &heartbeat).await.is(200);
    world.town.post("/api/v1/ingest/traccar", json!({ "location": 1 })).await.refused(422, "unreadable");
    assert_eq!(stored(&world).await, 1);
    world.town.finish().await;
}

#[tokio::test]
async fn osmand_and_older_clients_speak_in_queries_and_forms() {
    let world = world().await;
    let (secret, _) = world.add_device("traccar").await;
    let fields = |seconds: i64| {
        let at = ago(&world, seconds).as_second();
        format!(
            "id={secret}&timestamp={at}&lat={}&lon={}&speed=10&bearing=90&batt=45&hdop=1.2&own=x",
            SHOP.0, SHOP.1
        )
    };
    world.town.get(format!("/api/v1/ingest/traccar?{}", fields(20))).await.is(200);
    world.town.client.post(format!("/api/v1/ingest/traccar?{}", fields(15))).await.is(200);
    let form = world.town.client.post("/api/v1/ingest/traccar").body(fields(10));
    form.header("content-type", "application/x-www-form-urlencoded").await.is(200);
    assert_eq!(stored(&world).await, 3);
    let speed = last(&world).await["speed_m_s"].as_f64().unwrap();
    assert!((speed - 5.144).abs() < 0.01, "knots: {speed}");
    world.town.finish().await;
}

#[tokio::test]
async fn gpslogger_calls_the_address_that_it_was_given() {
    let world = world().await;
    let (secret, added) = world.add_device("gpslogger").await;
    let template = added["setup"]["url"].as_str().unwrap();
    let url = [("%LAT", SHOP.0.to_string()), ("%LON", SHOP.1.to_string()), ("%ACC", "6.5".to_owned())]
        .into_iter()
        .chain([
            ("%TIMESTAMP", ago(&world, 5).as_second().to_string()),
            ("%TIME", ago(&world, 5).to_string()),
        ])
        .chain(
            ["%ALT", "%SPD", "%DIR", "%SAT", "%BATT", "%PROV", "%ACT", "%DESC"]
                .map(|name| (name, String::new())),
        )
        .fold(template.to_owned(), |url, (name, value)| url.replace(name, &value));
    let path = url.strip_prefix("https://dropmate.test").unwrap();
    assert!(path.contains(&secret));
    world.town.get(path).await.is(200);
    assert_eq!(last(&world).await["accuracy_m"], json!(6.5));
    world.town.finish().await;
}

#[tokio::test]
async fn overland_sends_batches_and_hears_exactly_what_it_expects() {
    let world = world().await;
    let (secret, _) = world.add_device("overland").await;
    let feature = |seconds: i64| {
        json!({ "type": "Feature", "geometry": { "type": "Point", "coordinates": [SHOP.1, SHOP.0] },
            "properties": { "timestamp": ago(&world, seconds), "altitude": 12, "speed": -1, "horizontal_accuracy": 8,
                "motion": ["cycling"], "battery_state": "unplugged", "battery_level": 0.89, "wifi": "", "pauses": false } })
    };
    let broken = json!({ "type": "Feature", "geometry": null, "properties": {} });
    let batch =
        json!({ "locations": [feature(300), feature(100), broken, feature(200)], "current": feature(1) });
    let by_path = world.town.post(format!("/api/v1/ingest/overland/{secret}"), &batch).await.is(200);
    assert_eq!(by_path.body, r#"{"result":"ok"}"#);
    assert_eq!(stored(&world).await, 4);
    let by_query = world.town.post(format!("/api/v1/ingest/overland?token={secret}"), &batch).await.is(200);
    assert_eq!(by_query.body, by_path.body);
    let by_header = world.town.post("/api/v1/ingest/overland", &batch).bearer(&secret).await.is(200);
    assert_eq!(by_header.body, by_path.body);
    let refused = world.town.post(format!("/api/v1/ingest/overland/{secret}"), json!({})).await;
    refused.refused(422, "unreadable");
    world.town.finish().await;
}

#[tokio::test]
async fn two_devices_of_one_driver_are_two_sources() {
    let world = world().await;
    let (first, _) = world.add_device("gpslogger").await;
    let (second, _) = world.add_device("gpslogger").await;
    let at = ago(&world, 5);
    for secret in [&first, &second, &first] {
        let path = format!("/api/v1/ingest/gpslogger/{secret}?lat={}&lon={}&time={at}", SHOP.0, SHOP.1);
        world.town.get(path).await.is(200);
    }
    assert_eq!(stored(&world).await, 2);
    world.town.finish().await;
}

#[tokio::test]
async fn a_device_that_has_gone_mad_waits_and_others_do_not() {
    let world = world().await;
    let (mad, _) = world.add_device("traccar").await;
    let (other, _) = world.add_device("traccar").await;
    let at = ago(&world, 5).as_second();
    let path = |secret: &str| {
        format!("/api/v1/ingest/traccar?id={secret}&lat={}&lon={}&timestamp={at}&accuracy=8", SHOP.0, SHOP.1)
    };
    for _ in 0..600 {
        world.town.get(path(&mad)).await.is(200);
    }
    let refused = world.town.get(path(&mad)).await.refused(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    world.town.get(path(&other)).await.is(200);
    // A tenth of a second later the next one is free.
    world.town.pass(SignedDuration::from_millis(100));
    world.town.get(path(&mad)).await.is(200);
    world.town.get(path(&mad)).await.refused(429, "rate_limited");
    assert_eq!(stored(&world).await, 2, "one of each device, however often it was sent");
    world.town.finish().await;
}
