//! Changing orders.

use serde_json::{Value, json};
use testkit::http::Call;

use crate::world::{World, path, plain_order};

fn change(world: &World, order: &str, version: i64, body: Value) -> Call {
    world.town.patch(order, body).bearer(&world.town.bakery.manager.token).if_match(version)
}

#[tokio::test]
async fn what_is_absent_stays_and_null_clears() {
    let world = World::new().await;
    world.shop().await;
    let mut body = plain_order();
    body["cash"] = json!({ "amount_minor": 1250, "currency": "EUR" });
    let order = path(&world.place(body).await);
    let changed = change(
        &world,
        &order,
        1,
        json!({ "dropoff": { "contact_name": "Ada Lovelace", "notes": null, "position": { "lat": 61.0, "lon": 25.0 } },
                "cash": null, "priority": 5, "tags": ["late"], "reference": "web-7" }),
    )
    .await
    .is(200);
    let now = changed.json();
    assert_eq!(now["dropoff"]["contact_name"], "Ada Lovelace");
    assert_eq!(now["dropoff"]["door"], "B 12");
    assert!(now["dropoff"].get("notes").is_none() && now.get("cash").is_none());
    assert!(now.get("zone_id").is_none(), "it moved out of the zone");
    assert_eq!(
        (&now["priority"], &now["tags"], &now["reference"]),
        (&json!(5), &json!(["late"]), &json!("web-7"))
    );
    assert_eq!((now["version"].clone(), changed.version()), (json!(2), 2));
    assert_eq!(world.read(&order).await, now);
    for (query, wanted) in [("name=lovelace", 1), ("name=hopper", 0), ("tag=late", 1), ("tag=breakfast", 0)] {
        let page = world.read(&format!("/api/v1/orders?{query}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), wanted, "{query}");
    }
    let (subject, event) = world.town.events().await.pop().unwrap();
    assert_eq!(subject, "order.updated.v1");
    assert_eq!(event["changed"], json!(["dropoff", "priority", "tags", "cash", "reference"]));
    assert!(!event.to_string().contains("Lovelace"));
    world.town.finish().await;
}

#[tokio::test]
async fn a_stale_or_missing_version_is_refused() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    change(&world, &order, 1, json!({ "priority": 1 })).await.is(200);
    let stale = change(&world, &order, 1, json!({ "priority": 2 })).await.refused(412, "stale");
    assert_eq!(stale.json()["current_version"], 2);
    let manager = &world.town.bakery.manager.token;
    world
        .town
        .patch(&order, json!({ "priority": 2 }))
        .bearer(manager)
        .await
        .refused(428, "precondition_required");
    let florist = &world.town.florist.owner.token;
    world
        .town
        .patch(&order, json!({ "priority": 2 }))
        .bearer(florist)
        .if_match(2)
        .await
        .refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn after_the_pick_up_only_the_door_can_change() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    world.step(&order, driver, "picked_up").await.is(200);
    let version = world.read(&order).await["version"].as_i64().unwrap();
    let late =
        json!({ "pickup": { "street": "Other 1" }, "dropoff": { "street": "Other 2" }, "priority": 1 });
    let refused = change(&world, &order, version, late).await.refused(409, "too_late");
    assert_eq!(refused.json()["fields"], json!(["pickup", "dropoff", "priority"]));
    let door = json!({ "dropoff": { "door": "C 3", "contact_phone": "+358409999999",
                                    "window": { "until": "2027-01-01T00:00:00Z" } } });
    let changed = change(&world, &order, version, door).await.is(200);
    assert_eq!(changed.text("/dropoff/door"), "C 3");
    world.step(&order, driver, "delivered").await.is(200);
    change(&world, &order, version + 2, json!({ "dropoff": { "door": null } }))
        .await
        .refused(409, "too_late");
    world.town.finish().await;
}

#[tokio::test]
async fn changes_that_mean_nothing_are_refused_by_field() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    let cases = [
        (
            "/dropoff/window",
            json!({ "dropoff": { "window": { "from": "2026-11-20T12:00:00Z", "until": "2026-11-20T11:00:00Z" } } }),
        ),
        ("/tags", json!({ "tags": ["two words"] })),
        ("/dropoff/contact_phone", json!({ "dropoff": { "contact_phone": "040" } })),
        ("/metadata", json!({ "metadata": { "deep": [] } })),
    ];
    for (pointer, body) in cases {
        let reply = change(&world, &order, 1, body).await;
        assert_eq!((reply.status, reply.text("/errors/0/pointer").as_str()), (422, pointer), "{reply}");
    }
    change(&world, &order, 1, json!({ "number": "X" })).await.refused(422, "invalid");
    world.town.finish().await;
}
