//! Vehicles come, change and go.

use serde_json::json;

use crate::world::{add, how_many, last, open, vehicle};

#[tokio::test]
async fn a_vehicle_is_added_read_changed_and_removed() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let body = json!({ "type": "cargo_bike", "description": " red ", "plate": "X-1", "capacity": { "weight_g": 80_000, "count": 12 } });
    let made = town.post("/api/v1/vehicles", body).bearer(manager).await.is(201);
    let path = format!("/api/v1/vehicles/{}", made.text("/id"));
    assert_eq!((made.header("location"), made.version()), (path.as_str(), 1));
    assert_eq!((made.text("/type"), made.text("/description")), ("cargo_bike".to_owned(), "red".to_owned()));
    assert_eq!(made.json()["capacity"], json!({ "weight_g": 80_000, "count": 12 }));
    assert_eq!(town.get(&path).bearer(&town.bakery.driver.token).await.is(200).json(), made.json());
    town.get(&path).bearer(manager).header("if-none-match", "\"1\"").await.is(304);
    let change = json!({ "type": "car", "plate": null, "capacity": {} });
    let changed = town.patch(&path, change).bearer(manager).if_match(1).await.is(200);
    assert_eq!((changed.json().get("plate"), &changed.json()["capacity"]), (None, &json!({})));
    assert_eq!(changed.text("/description"), "red");
    town.patch(&path, json!({ "plate": "Y" })).bearer(manager).if_match(1).await.refused(412, "stale");
    let list = town.get("/api/v1/vehicles").bearer(&town.bakery.dispatcher.token).await.is(200);
    assert_eq!(list.json()["items"], json!([changed.json()]));
    town.delete(&path).bearer(manager).await.is(204);
    town.get(&path).bearer(manager).await.refused(404, "not_found");
    town.delete(&path).bearer(manager).await.refused(404, "not_found");
    assert_eq!(town.audited().await, ["create_vehicle", "update_vehicle", "delete_vehicle"]);
    assert_eq!(town.subjects().await, Vec::<String>::new(), "nobody drives it");
    town.finish().await;
}

#[tokio::test]
async fn a_vehicle_that_somebody_drives_stays_and_its_drivers_are_told_of_changes() {
    let town = open().await;
    let bike = vehicle(&town, "bicycle").await;
    let driver = add(&town, &json!({ "vehicle_id": bike })).await.text("/id");
    let (path, manager) = (format!("/api/v1/vehicles/{bike}"), town.bakery.manager.token.as_str());
    let refused = town.delete(&path).bearer(manager).await.refused(409, "vehicle_in_use");
    assert_eq!(refused.json()["driver_id"], json!(driver));
    let change = json!({ "capacity": { "count": 3 } });
    town.patch(&path, change).bearer(manager).if_match(1).await.is(200);
    let told = last(&town, "driver.updated.v1").await;
    assert_eq!((&told["driver_id"], &told["changed"]), (&json!(driver), &json!(["vehicle"])));
    assert_eq!(told["facts"]["vehicle"]["capacity"], json!({ "count": 3 }));
    town.patch(&path, json!({ "plate": "Z" })).bearer(manager).if_match(2).await.is(200);
    assert_eq!(how_many(&town, "driver.updated.v1").await, 1, "a plate is nothing to dispatch by");
    let walk = json!({ "vehicle_id": null });
    town.patch(format!("/api/v1/drivers/{driver}"), walk).bearer(manager).if_match(2).await.is(200);
    town.delete(&path).bearer(manager).await.is(204);
    town.finish().await;
}

#[tokio::test]
async fn what_is_no_vehicle_is_refused() {
    let town = open().await;
    for (body, pointer) in [
        (json!({ "type": "rocket" }), "/type"),
        (json!({}), ""),
        (json!({ "type": "car", "capacity": { "weight_g": -1 } }), "/capacity/weight_g"),
        (json!({ "type": "car", "capacity": { "weight_g": 4_294_967_296_u64 } }), "/capacity/weight_g"),
        (json!({ "type": "car", "capacity": { "doors": 4 } }), "/capacity/doors"),
        (json!({ "type": "car", "plate": "" }), "/plate"),
    ] {
        let refused = town.post("/api/v1/vehicles", body).bearer(&town.bakery.owner.token).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{refused}");
    }
    town.finish().await;
}

#[tokio::test]
async fn a_foreign_organisation_has_other_vehicles() {
    let town = open().await;
    let bike = vehicle(&town, "bicycle").await;
    let (path, stranger) = (format!("/api/v1/vehicles/{bike}"), town.florist.owner.token.as_str());
    town.get(&path).bearer(stranger).await.refused(404, "not_found");
    town.patch(&path, json!({ "plate": "Z" })).bearer(stranger).if_match(1).await.refused(404, "not_found");
    town.delete(&path).bearer(stranger).await.refused(404, "not_found");
    let theirs = json!({ "vehicle_id": bike });
    town.post("/api/v1/drivers", theirs).bearer(stranger).await.refused(404, "not_found");
    town.finish().await;
}

#[tokio::test]
async fn the_same_key_adds_and_removes_one_vehicle() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let add = || town.post("/api/v1/vehicles", json!({ "type": "foot" })).bearer(manager).key("add");
    let (first, again) = (add().await.is(201), add().await.is(201));
    assert_eq!((first.text("/id"), again.header("idempotency-replayed")), (again.text("/id"), "true"));
    let remove =
        || town.delete(format!("/api/v1/vehicles/{}", first.text("/id"))).bearer(manager).key("remove");
    remove().await.is(204);
    assert_eq!(remove().await.is(204).header("idempotency-replayed"), "true");
    assert_eq!(town.audited().await, ["create_vehicle", "delete_vehicle"]);
    town.finish().await;
}

#[tokio::test]
async fn managers_keep_vehicles_and_others_look_at_them() {
    let town = open().await;
    let path = format!("/api/v1/vehicles/{}", vehicle(&town, "car").await);
    for token in [&town.bakery.dispatcher.token, &town.bakery.driver.token] {
        town.get(&path).bearer(token).await.is(200);
        town.delete(&path).bearer(token).await.refused(403, "forbidden");
    }
    town.get(&path).bearer(&town.bakery.customer.token).await.refused(403, "forbidden");
    town.finish().await;
}
