//! Proof: asked for, captured, missing, wrong.

use std::io::Cursor;

use contracts::calls::HandOverPin;
use platform::db::Scope;
use serde_json::{Value, json};
use testkit::http::{Call, Reply};
use testkit::service::PUBLIC_URL;

use crate::world::{World, path, plain_order};

fn jpeg() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(80, 60, image::Rgb([200, 30, 30]));
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// An order of the bakery's driver that asks for this.
async fn asking(world: &World, proof: Value, pins: Value) -> String {
    let mut body = plain_order();
    body["driver_id"] = json!(world.employ(&world.town.bakery.driver));
    body["proof"] = proof;
    body["pins"] = pins;
    path(&world.place(body).await)
}

fn capture(world: &World, order: &str, body: Value) -> Call {
    world.town.post(format!("{order}/proofs"), body).bearer(&world.town.bakery.driver.token)
}

fn put(world: &World, order: &str, proof: &Reply, kind: &str) -> Call {
    let path = format!("{order}/proofs/{}/{kind}", proof.text("/id"));
    let call = world.town.client.put(path).bearer(&world.town.bakery.driver.token);
    call.header("content-type", "image/jpeg").body(jpeg())
}

#[tokio::test]
async fn a_step_waits_for_the_proof_that_it_needs() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let wanted = json!({ "dropoff": { "photo": "required", "notes": "required", "signature": "warn" } });
    let order = asking(&world, wanted, json!({})).await;
    world.step(&order, driver, "picked_up").await.is(200);
    let waits = world.step(&order, driver, "delivered").await.refused(409, "proof_missing");
    assert_eq!(waits.json()["missing"], json!(["photo", "notes"]));
    let proof =
        capture(&world, &order, json!({ "stop": "dropoff", "notes": "Handed to Grace." })).await.is(201);
    let waits = world.step(&order, driver, "delivered").await.refused(409, "proof_missing");
    assert_eq!(waits.json()["missing"], json!(["photo"]));
    put(&world, &order, &proof, "photo").await.is(200);
    let with = |id: &str| {
        let body = json!({ "status": "delivered", "proof_id": id });
        world.town.post(format!("{order}/status"), body).bearer(&driver.token)
    };
    with("proof_01h455vb4pex5vsknk084sn02q").await.refused(422, "invalid");
    with(&proof.text("/id")).await.is(200);
    let history = world.read(&format!("{order}/events")).await;
    let warning = history["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&warning["kind"], &warning["detail"]["missing"]),
        (&json!("proof_warning"), &json!(["signature"]))
    );
    let captured: Vec<_> =
        world.town.events().await.into_iter().filter(|(subject, _)| subject == "proof.captured.v1").collect();
    assert_eq!(
        captured.iter().map(|(_, event)| event["kinds"].clone()).collect::<Vec<_>>(),
        [json!(["notes"]), json!(["photo"])]
    );
    assert!(captured.iter().all(|(_, event)| !event.to_string().contains("Grace")));
    world.town.finish().await;
}

#[tokio::test]
async fn pictures_are_seen_through_links_by_those_who_see_the_order() {
    let world = World::new().await;
    let order = asking(&world, json!({}), json!({})).await;
    let proof =
        capture(&world, &order, json!({ "stop": "dropoff", "signature_name": "G. Hopper" })).await.is(201);
    assert_eq!(world.town.subjects().await.len(), 3, "a frame for pictures proves nothing yet");
    let first = put(&world, &order, &proof, "signature").await.is(200);
    let second = put(&world, &order, &proof, "signature").await.is(200);
    assert_ne!(first.text("/signature"), second.text("/signature"));
    let list = world.read(&format!("{order}/proofs")).await;
    let shown = &list["items"][0];
    assert_eq!((&shown["signature_name"], shown.get("photo_url")), (&json!("G. Hopper"), None));
    let link = shown["signature_url"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned();
    let picture = world.town.get(link).await.is(200);
    assert_eq!(picture.header("content-type"), "image/jpeg");
    let florist = &world.town.florist.owner.token;
    world.town.get(format!("{order}/proofs")).bearer(florist).await.refused(404, "not_found");
    let foreign = put(&world, &order, &proof, "photo").await;
    foreign.is(200);
    let path = format!("{order}/proofs/{}/photo", proof.text("/id"));
    let call = world.town.client.put(path).bearer(florist).header("content-type", "image/jpeg").body(jpeg());
    call.await.refused(404, "not_found");
    let path = format!("{order}/proofs/proof_01h455vb4pex5vsknk084sn02q/photo");
    let call = world.town.client.put(path).bearer(&world.town.bakery.driver.token);
    call.header("content-type", "image/jpeg").body(jpeg()).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn five_wrong_pins_lock_a_stop_until_a_manager_sets_it_anew() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order =
        asking(&world, json!({ "dropoff": { "pin": "required" } }), json!({ "dropoff": "4071" })).await;
    world.step(&order, driver, "picked_up").await.is(200);
    let pin = |pin: &str| capture(&world, &order, json!({ "stop": "dropoff", "pin": pin }));
    for left in (1..=4).rev() {
        assert_eq!(pin("0000").await.refused(409, "pin_wrong").json()["left"], left);
    }
    pin("0000").await.refused(409, "pin_locked");
    pin("4071").await.refused(409, "pin_locked");
    world.step(&order, driver, "delivered").await.refused(409, "proof_missing");
    let set = |token: &str| {
        world.town.post(format!("{order}/pins"), json!({ "stop": "dropoff", "pin": "123456" })).bearer(token)
    };
    set(&driver.token).await.refused(403, "forbidden");
    set(&world.town.florist.manager.token).await.refused(404, "not_found");
    set(&world.town.bakery.manager.token).await.is(204);
    pin("4071").await.refused(409, "pin_wrong");
    assert_eq!(pin("123456").await.is(201).json()["pin"], true);
    world.step(&order, driver, "delivered").await.is(200);
    capture(&world, &order, json!({ "stop": "pickup", "pin": "1234" })).await.refused(409, "pin_unset");
    world.town.finish().await;
}

/// What tracking asks for, and what the customer's page says then.
async fn shown(world: &World, order: &str) -> Option<String> {
    let asked = HandOverPin { order_id: order.rsplit('/').next().unwrap().parse().unwrap() };
    let scope = Scope::system(world.town.bakery.id);
    world.town.as_service("tracking").ask(&scope, &asked).await.unwrap().pin
}

#[tokio::test]
async fn a_pin_that_nobody_set_is_made_and_shown_to_the_customer_only() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = asking(&world, json!({ "dropoff": { "pin": "required" } }), json!({})).await;
    let pin = shown(&world, &order).await.unwrap();
    assert!(pin.len() == 4 && pin.bytes().all(|digit| digit.is_ascii_digit()), "{pin}");
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT pin FROM orders.pins")
        .fetch_one(&mut world.town.db.admin().await)
        .await
        .unwrap();
    assert!(!sealed.windows(pin.len()).any(|part| part == pin.as_bytes()), "it is sealed");
    // Neither the order nor what happened to it says it, and a driver does not know where it is shown.
    let of_driver = world.town.get(&order).bearer(&driver.token).await.is(200).json();
    let listed = world.town.get("/api/v1/orders").bearer(&driver.token).await.is(200).json();
    let summary = world.town.get(format!("{order}/summary")).bearer(&driver.token).await.is(200).json();
    let step = world.step(&order, driver, "picked_up").await.is(200).json();
    for seen in [&of_driver, &listed["items"][0], &summary, &step["order"]] {
        assert!(seen["id"].is_string() && seen.get("tracking_code").is_none(), "{seen}");
    }
    assert!(world.read(&order).await["tracking_code"].is_string(), "staff does");
    assert!(world.read(&format!("{order}/summary")).await["tracking_code"].is_string());
    world.step(&order, driver, "delivered").await.refused(409, "proof_missing");
    let say = |pin: &str| capture(&world, &order, json!({ "stop": "dropoff", "pin": pin }));
    say(if pin == "0000" { "0001" } else { "0000" }).await.refused(409, "pin_wrong");
    say(&pin).await.is(201);
    world.step(&order, driver, "delivered").await.is(200);
    assert_eq!(shown(&world, &order).await, None, "it is over");
    world.town.finish().await;
}

#[tokio::test]
async fn a_pin_is_made_for_copies_and_where_it_is_asked_for_later_and_stays_otherwise() {
    let world = World::new().await;
    let manager = &world.town.bakery.manager.token;
    let order = asking(&world, json!({}), json!({})).await;
    assert_eq!(shown(&world, &order).await, None);
    let ask = |wanted: Value| {
        let call = world.town.client.patch(&order).bearer(manager).header("if-match", "*");
        call.json(&json!({ "proof": { "dropoff": wanted } }))
    };
    ask(json!({ "pin": "warn" })).await.is(200);
    let pin = shown(&world, &order).await.unwrap();
    ask(json!({ "pin": "required", "photo": "required" })).await.is(200);
    assert_eq!(shown(&world, &order).await.as_ref(), Some(&pin), "the customer knows it already");
    let copy = world.town.client.post(format!("{order}/duplicate")).bearer(manager).await.is(201);
    assert!(shown(&world, &path(&copy)).await.is_some(), "its own");
    let set = json!({ "stop": "dropoff", "pin": "123456" });
    world.town.post(format!("{order}/pins"), set).bearer(manager).await.is(204);
    assert_eq!(shown(&world, &order).await.as_deref(), Some("123456"));
    let set = json!({ "stop": "pickup", "pin": "1234" });
    world.town.post(format!("{order}/pins"), set).bearer(manager).await.is(204);
    assert_eq!(
        world.town.count("SELECT count(*) FROM orders.pins WHERE stop = 'pickup' AND pin IS NULL").await,
        1
    );
    world.town.finish().await;
}

#[tokio::test]
async fn a_repeated_wrong_pin_of_one_key_is_one_try() {
    let world = World::new().await;
    let order = asking(&world, json!({}), json!({ "dropoff": "4071" })).await;
    let call = || capture(&world, &order, json!({ "stop": "dropoff", "pin": "0000" })).key("tap");
    call().await.refused(409, "pin_wrong");
    call().await.refused(409, "pin_wrong");
    assert_eq!(world.town.count("SELECT wrong::bigint FROM orders.pins").await, 1);
    world.town.finish().await;
}

#[tokio::test]
async fn barcodes_count_when_all_of_them_were_read_and_a_return_has_its_own_proof() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let wanted = json!({ "pickup": { "barcodes": "required" }, "return": { "notes": "required" } });
    let order = asking(&world, wanted, json!({})).await;
    capture(&world, &order, json!({ "stop": "pickup", "barcodes": ["999"] })).await.is(201);
    let waits = world.step(&order, driver, "picked_up").await.refused(409, "proof_missing");
    assert_eq!(waits.json()["missing"], json!(["barcodes"]));
    capture(&world, &order, json!({ "stop": "pickup", "barcodes": ["6414893386488"] })).await.is(201);
    world.step(&order, driver, "picked_up").await.is(200);
    world.step(&order, driver, "failed").await.is(200);
    world.step(&order, driver, "returning").await.is(200);
    world.step(&order, driver, "returned").await.refused(409, "proof_missing");
    capture(&world, &order, json!({ "stop": "return", "notes": "On the counter." })).await.is(201);
    world.step(&order, driver, "returned").await.is(200);
    world.town.finish().await;
}

#[tokio::test]
async fn proof_of_an_order_that_nobody_has_or_of_somebody_elses_is_refused() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    let body = json!({ "stop": "pickup", "notes": "x" });
    let manager = &world.town.bakery.manager.token;
    world.town.post(format!("{order}/proofs"), &body).bearer(manager).await.refused(409, "illegal_step");
    world.employ(&world.town.bakery.driver);
    capture(&world, &order, body).await.refused(404, "not_found");
    world.town.finish().await;
}
