//! Documents: who keeps them, who sees them, and what happens when they run out.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use kernel::time::SignedDuration;
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::Town;

use crate::world::{how_many, last, on_board, on_board_as, open, say};

fn jpeg(red: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(64, 48, image::Rgb([red, 30, 30])).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn licence(expires_on: &str) -> Value {
    json!({ "kind": "driving_licence", "number": "A1234567", "expires_on": expires_on, "required": true })
}

async fn keep(town: &Town, driver: &str, body: &Value) -> Reply {
    let path = format!("/api/v1/drivers/{driver}/documents");
    town.post(path, body.clone()).bearer(&town.bakery.manager.token).await
}

#[tokio::test]
async fn a_document_is_added_listed_changed_and_removed() {
    let town = open().await;
    let (driver, manager) = (on_board(&town).await, town.bakery.manager.token.as_str());
    let made = keep(&town, &driver, &licence("2027-05-31")).await.is(201);
    assert_eq!(
        (made.version(), made.text("/number"), made.json()["expired"].clone()),
        (1, "A1234567".to_owned(), json!(false))
    );
    let list = format!("/api/v1/drivers/{driver}/documents");
    for token in [manager, &town.bakery.driver.token] {
        assert_eq!(town.get(&list).bearer(token).await.is(200).json()["items"], json!([made.json()]));
    }
    town.get(&list).bearer(&town.bakery.dispatcher.token).await.refused(403, "forbidden");
    let sealed =
        "SELECT count(*) FROM drivers.documents d WHERE encode(d.number, 'escape') LIKE '%A1234567%'";
    assert_eq!(town.count(sealed).await, 0);
    let path = format!("{list}/{}", made.text("/id"));
    let change = json!({ "number": null, "kind": "identity", "expires_on": null });
    let changed = town.patch(&path, change).bearer(manager).if_match(1).await.is(200);
    assert_eq!((changed.json().get("number"), changed.json().get("expires_on")), (None, None));
    assert_eq!(
        (changed.text("/kind"), changed.json()["required"].clone()),
        ("identity".to_owned(), json!(true))
    );
    town.patch(&path, json!({ "required": false })).bearer(manager).if_match(1).await.refused(412, "stale");
    town.delete(&path).bearer(manager).await.is(204);
    town.delete(&path).bearer(manager).await.refused(404, "not_found");
    let told: Vec<Value> =
        town.events().await.into_iter().map(|(_, event)| event["changed"].clone()).collect();
    assert_eq!(told[2..], [json!(["documents"]), json!(["documents"]), json!(["documents"])]);
    let audited = town.audited().await;
    assert_eq!(audited[2..], ["create_driver_document", "update_driver_document", "delete_driver_document"]);
    town.finish().await;
}

#[tokio::test]
async fn what_is_no_document_is_refused() {
    let town = open().await;
    let driver = on_board(&town).await;
    for (body, pointer) in [
        (json!({ "kind": "library_card", "required": true }), "/kind"),
        (json!({ "kind": "other" }), ""),
        (json!({ "kind": "other", "required": true, "expires_on": "2026-02-30" }), "/expires_on"),
        (json!({ "kind": "other", "required": true, "expires_on": "1066-10-14" }), "/expires_on"),
        (json!({ "kind": "other", "required": true, "number": "" }), "/number"),
    ] {
        let refused = keep(&town, &driver, &body).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{refused}");
    }
    for token in [&town.bakery.driver.token, &town.bakery.dispatcher.token, &town.bakery.api_key] {
        let path = format!("/api/v1/drivers/{driver}/documents");
        town.post(path, licence("2030-01-01")).bearer(token).await.refused(403, "forbidden");
    }
    town.finish().await;
}

#[tokio::test]
async fn a_required_document_that_runs_out_takes_the_driver_off_duty_once() {
    let town = open().await;
    let driver = on_board(&town).await;
    keep(&town, &driver, &licence("2026-11-21")).await.is(201);
    let optional = json!({ "kind": "health", "expires_on": "2020-01-01", "required": false });
    keep(&town, &driver, &optional).await.is(201);
    say(&town, &driver, "available", &town.bakery.driver.token).await.is(200);
    town.pass(SignedDuration::from_hours(24));
    town.settle().await;
    assert_eq!(how_many(&town, "driver.availability_changed.v1").await, 1, "good on its last day");
    let before = how_many(&town, "driver.updated.v1").await;
    town.pass(SignedDuration::from_hours(24));
    town.settle().await;
    let told = last(&town, "driver.updated.v1").await;
    assert_eq!((&told["changed"][0], &told["facts"]["active"]), (&json!("documents"), &json!(false)));
    let said = last(&town, "driver.availability_changed.v1").await;
    assert_eq!((&said["from"], &said["to"]), (&json!("available"), &json!("off_duty")));
    town.pass(SignedDuration::from_hours(24));
    town.settle().await;
    assert_eq!(how_many(&town, "driver.updated.v1").await, before + 1, "once");

    let bakery = town.refreshed(&town.bakery);
    let me = town.get("/api/v1/drivers/me").bearer(&bakery.driver.token).await.is(200);
    assert_eq!(
        (me.text("/documents"), me.text("/availability")),
        ("expired".to_owned(), "off_duty".to_owned())
    );
    let refused = say(&town, &driver, "available", &bakery.driver.token).await;
    assert_eq!(refused.refused(409, "document_expired").json()["current"]["availability"], "off_duty");
    say(&town, &driver, "off_duty", &bakery.driver.token).await.is(200);

    let list =
        town.get(format!("/api/v1/drivers/{driver}/documents")).bearer(&bakery.manager.token).await.is(200);
    assert_eq!(list.json()["items"][0]["expired"], true);
    let path = format!("/api/v1/drivers/{driver}/documents/{}", list.text("/items/0/id"));
    let renewed = json!({ "expires_on": "2030-11-21" });
    town.patch(path, renewed).bearer(&bakery.manager.token).if_match(1).await.is(200);
    assert_eq!(last(&town, "driver.updated.v1").await["facts"]["active"], true);
    say(&town, &driver, "available", &bakery.driver.token).await.is(200);
    town.finish().await;
}

#[tokio::test]
async fn before_the_daily_look_comes_a_driver_cannot_go_on_duty_either() {
    let town = open().await;
    let driver = on_board(&town).await;
    keep(&town, &driver, &licence("2026-11-20")).await.is(201);
    // Four minutes after midnight UTC, before the job.
    town.pass(SignedDuration::from_mins(12 * 60 + 4));
    let me = town.again(&town.bakery.driver);
    say(&town, &driver, "available", &me.token).await.refused(409, "document_expired");
    town.settle().await;
    town.finish().await;
}

#[tokio::test]
async fn a_document_that_has_run_out_already_takes_off_duty_at_once() {
    let town = open().await;
    let driver = on_board(&town).await;
    say(&town, &driver, "busy", &town.bakery.driver.token).await.is(200);
    let made = keep(&town, &driver, &licence("2026-11-19")).await.is(201);
    assert_eq!(made.json()["expired"], true);
    let me = town.get("/api/v1/drivers/me").bearer(&town.bakery.driver.token).await.is(200);
    assert_eq!(
        (me.text("/availability"), me.text("/documents")),
        ("off_duty".to_owned(), "expired".to_owned())
    );
    let path = format!("/api/v1/drivers/{driver}/documents/{}", made.text("/id"));
    town.delete(path).bearer(&town.bakery.manager.token).await.is(204);
    say(&town, &driver, "available", &town.bakery.driver.token).await.is(200);
    town.finish().await;
}

#[tokio::test]
async fn a_photo_is_sealed_linked_replaced_and_taken_back() {
    let town = open().await;
    let driver = on_board(&town).await;
    let document = keep(&town, &driver, &licence("2030-01-01")).await.is(201).text("/id");
    let path = format!("/api/v1/drivers/{driver}/documents/{document}/photo");
    let (me, manager) = (town.bakery.driver.token.as_str(), town.bakery.manager.token.as_str());
    town.get(&path).bearer(me).await.refused(404, "not_found");
    let put = |token: &str, bytes: Vec<u8>| {
        town.client.put(&path).header("content-type", "image/jpeg").body(bytes).bearer(token)
    };
    let shown = put(me, jpeg(200)).await.is(200);
    let link = town.get(&path).bearer(manager).await.is(200).text("/url");
    let token = link.strip_prefix("https://dropmate.test").unwrap().to_owned();
    let picture = town.get(&token).await.is(200);
    assert_eq!(picture.header("content-type"), "image/jpeg");
    assert!(image::load_from_memory(&picture.body).is_ok());
    let again = put(manager, jpeg(10)).await.is(200);
    assert_ne!(again.text("/photo"), shown.text("/photo"));
    town.get(&token).await.refused(404, "not_found");
    put(me, b"no picture".to_vec()).await.refused(422, "unknown_image");
    town.delete(&path).bearer(me).await.refused(403, "forbidden");
    town.delete(&path).bearer(manager).await.is(200);
    town.delete(&path).bearer(manager).await.refused(404, "not_found");
    let other = town.driver(&town.bakery);
    on_board_as(&town, &town.bakery, &other).await;
    put(&other.token, jpeg(1)).await.refused(404, "not_found");
    put(&town.florist.owner.token, jpeg(1)).await.refused(404, "not_found");
    town.get(&path).bearer(&other.token).await.refused(404, "not_found");
    town.get("/api/v1/files/drivers/AAAA").await.refused(404, "not_found");
    assert_eq!(town.count("SELECT count(*) FROM platform.files WHERE state = 'kept'").await, 0);
    town.finish().await;
}

#[tokio::test]
async fn a_removed_document_takes_its_photo_with_it() {
    let town = open().await;
    let driver = on_board(&town).await;
    let document = keep(&town, &driver, &licence("2030-01-01")).await.is(201).text("/id");
    let path = format!("/api/v1/drivers/{driver}/documents/{document}");
    let call = town.client.put(format!("{path}/photo")).header("content-type", "image/jpeg").body(jpeg(5));
    call.bearer(&town.bakery.manager.token).await.is(200);
    town.delete(&path).bearer(&town.bakery.manager.token).await.is(204);
    assert_eq!(town.count("SELECT count(*) FROM platform.files WHERE state = 'removed'").await, 1);
    town.finish().await;
}
