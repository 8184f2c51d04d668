//! What is known of drivers, and who finds them.

use serde_json::{Value, json};

use crate::world::{add, how_many, last, on_board, open, say, vehicle};

#[tokio::test]
async fn a_driver_without_an_account_is_added_read_and_changed() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let bike = vehicle(&town, "bicycle").await;
    let body = json!({ "name": " Ada Lovelace ", "phone": "+358401234567", "skills": ["cold_box", "age_check", "cold_box"],
                       "vehicle_id": bike, "home": { "lat": 60.17, "lon": 24.94 }, "follows_shifts": true });
    let made = add(&town, &body).await;
    let path = format!("/api/v1/drivers/{}", made.text("/id"));
    assert_eq!((made.header("location"), made.version()), (path.as_str(), 1));
    assert_eq!(made.text("/name"), "Ada Lovelace");
    assert_eq!(made.json()["skills"], json!(["age_check", "cold_box"]));
    assert_eq!((&made.json()["rating"], &made.json()["documents"]), (&json!({ "count": 0 }), &json!("none")));
    assert_eq!(made.json().get("user_id"), None);
    assert_eq!(town.get(&path).bearer(&town.bakery.dispatcher.token).await.is(200).json(), made.json());
    let created = last(&town, "driver.created.v1").await;
    assert_eq!(created["facts"]["vehicle"]["profile"], "bicycle");
    assert_eq!(
        (&created["facts"]["skills"], &created["facts"]["follows_shifts"]),
        (&json!(["age_check", "cold_box"]), &json!(true))
    );

    let change =
        json!({ "name": null, "vehicle_id": null, "skills": [], "home": null, "follows_shifts": true });
    let changed = town.patch(&path, change).bearer(manager).if_match(1).await.is(200);
    assert_eq!(
        (changed.version(), changed.json().get("name"), changed.json().get("vehicle_id")),
        (2, None, None)
    );
    assert_eq!(changed.text("/phone"), "+358401234567", "what is absent stays");
    let updated = last(&town, "driver.updated.v1").await;
    assert_eq!(updated["changed"], json!(["name", "vehicle", "skills", "home"]), "only what is different");
    assert_eq!(updated["facts"].get("vehicle"), None);
    town.patch(&path, json!({ "active": false })).bearer(manager).if_match(1).await.refused(412, "stale");
    town.patch(&path, json!({ "active": false })).bearer(manager).await.refused(428, "precondition_required");
    assert_eq!(town.audited().await, ["create_vehicle", "create_driver", "update_driver"]);
    town.finish().await;
}

#[tokio::test]
async fn who_stops_working_here_is_off_duty() {
    let town = open().await;
    let id = add(&town, &json!({ "name": "Ada" })).await.text("/id");
    let manager = town.bakery.manager.token.as_str();
    say(&town, &id, "busy", manager).await.is(200);
    let path = format!("/api/v1/drivers/{id}");
    let gone = town.patch(&path, json!({ "active": false })).bearer(manager).if_match(2).await.is(200);
    assert_eq!(
        (gone.text("/availability"), gone.json()["active"].clone()),
        ("off_duty".to_owned(), json!(false))
    );
    assert_eq!(last(&town, "driver.availability_changed.v1").await["to"], "off_duty");
    say(&town, &id, "busy", manager).await.refused(409, "driver_inactive");
    say(&town, &id, "off_duty", manager).await.is(200);
    town.patch(&path, json!({ "active": true })).bearer(manager).if_match(3).await.is(200);
    say(&town, &id, "busy", manager).await.is(200);
    town.finish().await;
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_told_to_nobody() {
    let town = open().await;
    let id = add(&town, &json!({ "name": "Ada", "skills": ["a"] })).await.text("/id");
    let same = json!({ "name": "Ada", "skills": ["a"], "active": true });
    let path = format!("/api/v1/drivers/{id}");
    town.patch(path, same).bearer(&town.bakery.owner.token).if_match(1).await.is(200);
    assert_eq!(how_many(&town, "driver.updated.v1").await, 0);
    town.finish().await;
}

#[tokio::test]
async fn drivers_are_found_by_what_they_say_can_drive_and_by_their_number() {
    let town = open().await;
    let (bike, car) = (vehicle(&town, "bicycle").await, vehicle(&town, "car").await);
    let one = add(&town, &json!({ "vehicle_id": bike, "skills": ["cold_box"], "phone": "+358401111111" }))
        .await
        .text("/id");
    let two =
        add(&town, &json!({ "vehicle_id": car, "skills": ["cold_box", "age_check"] })).await.text("/id");
    let manager = town.bakery.manager.token.as_str();
    say(&town, &one, "available", manager).await.is(200);
    let path = format!("/api/v1/drivers/{two}");
    town.patch(path, json!({ "active": false })).bearer(manager).if_match(1).await.is(200);
    let found = async |query: &str| -> Vec<String> {
        let page = town.get(format!("/api/v1/drivers?{query}")).bearer(manager).await.is(200).json();
        let ids = |item: &Value| item["id"].as_str().unwrap().to_owned();
        page["items"].as_array().unwrap().iter().map(ids).collect()
    };
    let both = [one.clone(), two.clone()];
    assert_eq!(found("").await, both);
    assert_eq!(found("availability=available").await, both[..1]);
    assert_eq!(found("availability=off_duty").await, both[1..]);
    assert_eq!(found("skill=cold_box").await, both);
    assert_eq!(found("skill=age_check").await, both[1..]);
    assert_eq!(found("active=true").await, both[..1]);
    assert_eq!(found("active=false").await, both[1..]);
    assert_eq!(found("vehicle=car").await, both[1..]);
    assert_eq!(found("phone=%2B358401111111").await, both[..1]);
    assert_eq!(found("vehicle=foot").await, Vec::<String>::new());
    let first = town.get("/api/v1/drivers?limit=1").bearer(manager).await.is(200);
    assert_eq!(found(&format!("limit=1&cursor={}", first.text("/next_cursor"))).await, both[1..]);
    for bad in ["availability=asleep", "skill=A", "active=yes", "vehicle=rocket", "phone=123", "colour=red"] {
        town.get(format!("/api/v1/drivers?{bad}")).bearer(manager).await.is(422);
    }
    town.finish().await;
}

#[tokio::test]
async fn what_means_nothing_is_refused_with_its_place() {
    let town = open().await;
    let many: Vec<String> = (0..21).map(|number| format!("s{number}")).collect();
    for (body, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "name": "a\nb" }), "/name"),
        (json!({ "phone": "040 1234567" }), "/phone"),
        (json!({ "skills": ["Age Check"] }), "/skills/0"),
        (json!({ "skills": many }), "/skills"),
        (json!({ "home": { "lat": 100, "lon": 0 } }), "/home"),
        (json!({ "vehicle_id": "car" }), "/vehicle_id"),
        (json!({ "notes": "x".repeat(2001) }), "/notes"),
        (json!({ "active": true }), "/active"),
    ] {
        let refused = town.post("/api/v1/drivers", body).bearer(&town.bakery.owner.token).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{refused}");
    }
    let nowhere = json!({ "vehicle_id": "vehicle_01h455vb4pex5vsknk084sn02q" });
    town.post("/api/v1/drivers", nowhere.clone())
        .bearer(&town.bakery.owner.token)
        .await
        .refused(404, "not_found");
    let id = on_board(&town).await;
    let path = format!("/api/v1/drivers/{id}");
    let call = town.patch(&path, nowhere).bearer(&town.bakery.owner.token);
    call.if_match(2).await.refused(404, "not_found");
    town.patch(&path, json!({ "active": null })).bearer(&town.bakery.owner.token).if_match(2).await.is(422);
    town.finish().await;
}

#[tokio::test]
async fn the_same_key_adds_one_driver() {
    let town = open().await;
    let call = || {
        town.post("/api/v1/drivers", json!({ "name": "Ada" })).bearer(&town.bakery.manager.token).key("ada")
    };
    assert_eq!(call().await.is(201).text("/id"), call().await.is(201).text("/id"));
    assert_eq!(how_many(&town, "driver.created.v1").await, 1);
    town.finish().await;
}
