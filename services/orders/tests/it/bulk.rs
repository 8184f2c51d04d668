//! The same for many orders.

use serde_json::json;

use crate::world::{World, path, plain_order};

fn id(order: &str) -> &str {
    order.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn each_row_has_its_own_answer_and_a_repeat_does_nothing_twice() {
    let world = World::new().await;
    let (ada, bob) = (world.stranger(), world.stranger());
    let free = path(&world.place(plain_order()).await);
    let taken = world.given_to(bob).await;
    let body = json!({ "action": "assign", "driver_id": ada,
                       "ids": [id(&free), id(&taken), "order_01h455vb4pex5vsknk084sn02q"] });
    let send = || {
        let call = world.town.post("/api/v1/orders/bulk", &body);
        call.bearer(&world.town.bakery.dispatcher.token).key("bulk-1")
    };
    let first = send().await.is(200).json();
    let rows = first["rows"].as_array().unwrap();
    let said: Vec<_> =
        rows.iter().map(|row| (row["status"].as_u64().unwrap(), row["code"].as_str())).collect();
    assert_eq!(said, [(200, None), (409, Some("order_taken")), (404, Some("not_found"))]);
    assert_eq!(send().await.is(200).json(), first);
    let subjects = world.town.subjects().await;
    assert_eq!(subjects.iter().filter(|subject| *subject == "order.assigned.v1").count(), 2);

    let cancel = json!({ "action": "cancel", "reason": "merchant", "ids": [id(&free), id(&taken)] });
    let rows =
        world.town.post("/api/v1/orders/bulk", &cancel).bearer(&world.town.bakery.api_key).await.is(200);
    assert_eq!(rows.json()["rows"][1]["status"], 200);
    assert_eq!(world.status(&taken).await, "cancelled");
    let unassign = json!({ "action": "unassign", "ids": [id(&free)] });
    let rows = world
        .town
        .post("/api/v1/orders/bulk", &unassign)
        .bearer(&world.town.bakery.owner.token)
        .await
        .is(200);
    assert_eq!(rows.json()["rows"][0]["code"], "illegal_step");
    world.town.finish().await;
}

#[tokio::test]
async fn a_bulk_request_has_limits_and_stays_in_its_organisation() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    let send =
        |body: serde_json::Value, token: &str| world.town.post("/api/v1/orders/bulk", body).bearer(token);
    let owner = &world.town.bakery.owner.token;
    send(json!({ "action": "assign", "ids": [id(&order)] }), owner).await.refused(422, "invalid");
    send(json!({ "action": "cancel", "ids": [] }), owner).await.refused(422, "invalid");
    let many = vec![id(&order); 201];
    send(json!({ "action": "cancel", "ids": many }), owner).await.refused(422, "invalid");
    let foreign =
        send(json!({ "action": "cancel", "ids": [id(&order)] }), &world.town.florist.owner.token).await;
    assert_eq!(foreign.json()["rows"][0]["status"], 404);
    assert_eq!(world.status(&order).await, "created");
    world.town.finish().await;
}
