//! Who may do what, what the document says, and that a driver reaches only their own.

use platform::http::openapi::incomplete;
use serde_json::json;

use crate::world::{on_board, on_board_as, open, say};

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let town = open().await;
    assert_eq!(town.check_access().await, drivers::PERMISSIONS.len() * 7);
    town.finish().await;
}

#[tokio::test]
async fn the_document_is_complete() {
    let town = open().await;
    assert_eq!(incomplete(town.document.value()), Vec::<String>::new());
    assert_eq!(town.document.operations().all().len(), drivers::PERMISSIONS.len());
}

#[tokio::test]
async fn to_a_driver_others_are_not_there() {
    let town = open().await;
    let mine = on_board(&town).await;
    let other = town.driver(&town.bakery);
    let theirs = on_board_as(&town, &town.bakery, &other).await;
    let me = town.bakery.driver.token.as_str();
    town.get(format!("/api/v1/drivers/{mine}")).bearer(me).await.is(200);
    town.get(format!("/api/v1/drivers/{theirs}")).bearer(me).await.refused(404, "not_found");
    say(&town, &theirs, "available", me).await.refused(404, "not_found");
    say(&town, &mine, "available", me).await.is(200);
    town.get(format!("/api/v1/drivers/{theirs}/documents")).bearer(me).await.refused(404, "not_found");
    town.get(format!("/api/v1/shifts?driver_id={theirs}")).bearer(me).await.refused(404, "not_found");
    town.get("/api/v1/drivers").bearer(me).await.refused(403, "forbidden");
    let change = json!({ "skills": ["flying"] });
    town.patch(format!("/api/v1/drivers/{mine}"), change)
        .bearer(me)
        .if_match(1)
        .await
        .refused(403, "forbidden");
    let fresh = town.driver(&town.bakery);
    town.get("/api/v1/drivers/me").bearer(&fresh.token).await.refused(404, "not_found");
    town.get("/api/v1/shifts").bearer(&fresh.token).await.refused(404, "not_found");
    town.finish().await;
}

#[tokio::test]
async fn a_foreign_organisation_sees_nothing() {
    let town = open().await;
    let id = on_board(&town).await;
    let stranger = town.florist.owner.token.as_str();
    let path = format!("/api/v1/drivers/{id}");
    town.get(&path).bearer(stranger).await.refused(404, "not_found");
    town.patch(&path, json!({ "active": false }))
        .bearer(stranger)
        .if_match(1)
        .await
        .refused(404, "not_found");
    say(&town, &id, "available", stranger).await.refused(404, "not_found");
    town.get(format!("{path}/documents")).bearer(stranger).await.refused(404, "not_found");
    let document = json!({ "kind": "identity", "required": false });
    town.post(format!("{path}/documents"), document).bearer(stranger).await.refused(404, "not_found");
    let shift = json!({ "driver_id": id, "from": "2026-11-21T08:00:00Z", "until": "2026-11-21T10:00:00Z" });
    town.post("/api/v1/shifts", shift).bearer(stranger).await.refused(404, "not_found");
    assert_eq!(town.get("/api/v1/drivers").bearer(stranger).await.is(200).json()["items"], json!([]));
    town.finish().await;
}

#[tokio::test]
async fn notes_are_between_owners_and_managers() {
    let town = open().await;
    let body = json!({ "name": "Ada", "notes": "Prefers mornings.\nNo dogs." });
    town.post("/api/v1/drivers", body.clone()).bearer(&town.bakery.api_key).await.refused(403, "forbidden");
    let made = town.post("/api/v1/drivers", body).bearer(&town.bakery.owner.token).await.is(201);
    assert_eq!(made.text("/notes"), "Prefers mornings.\nNo dogs.");
    let path = format!("/api/v1/drivers/{}", made.text("/id"));
    for token in [&town.bakery.dispatcher.token, &town.bakery.api_key] {
        let seen = town.get(&path).bearer(token).await.is(200).json();
        assert_eq!((seen.get("notes"), &seen["name"]), (None, &json!("Ada")));
    }
    let change = json!({ "notes": null });
    town.patch(&path, change.clone())
        .bearer(&town.bakery.api_key)
        .if_match(1)
        .await
        .refused(403, "forbidden");
    let gone = town.patch(&path, change).bearer(&town.bakery.manager.token).if_match(1).await.is(200);
    assert_eq!(gone.json().get("notes"), None);
    town.finish().await;
}
