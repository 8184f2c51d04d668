//! Keys of integrations and devices.

use kernel::time::SignedDuration;
use serde_json::json;

use crate::app::{Town, nobody};

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let town = Town::new().await;
    let app = &town.app;
    let narrow = app.api_key(&town.bakery.owner, "api", &["organization:read"]).await.text("/secret");
    let organization = format!("/api/v1/organizations/{}", town.bakery.id());
    app.get(&organization).bearer(&narrow).await.is(200);
    app.get("/api/v1/members").bearer(&narrow).await.refused(403, "forbidden");
    app.get("/api/v1/members").bearer(&town.bakery.api_key).await.is(200);
    app.get(&organization).bearer(&town.bakery.device_key).await.refused(403, "forbidden");
    app.get("/api/v1/users/me").bearer(&town.bakery.api_key).await.refused(403, "forbidden");
    app.get("/api/v1/api-keys").bearer(&town.bakery.api_key).await.refused(403, "forbidden");
    let foreign = format!("/api/v1/organizations/{}", town.florist.id());
    app.get(foreign).bearer(&narrow).await.refused(404, "not_found");
    town.app.finish().await;
}

#[tokio::test]
async fn a_device_only_reports_and_scopes_are_a_closed_list() {
    let town = Town::new().await;
    for (kind, scopes) in [
        ("device", json!(["members:read"])),
        ("device", json!(["report:positions", "organization:read"])),
        ("api", json!(["everything"])),
        ("api", json!([])),
        ("root", json!(["members:read"])),
    ] {
        let body = json!({ "kind": kind, "name": "Till", "scopes": scopes });
        town.app
            .post("/api/v1/api-keys", body)
            .bearer(&town.bakery.owner.token)
            .await
            .refused(422, "invalid");
    }
    town.app.finish().await;
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_by_its_beginning() {
    let town = Town::new().await;
    let made = town.app.api_key(&town.bakery.owner, "api", &["members:read"]).await;
    let list = town.app.get("/api/v1/api-keys").bearer(&town.bakery.owner.token).await.is(200);
    let text = list.json().to_string();
    assert!(!text.contains(&made.text("/secret")) && text.contains(&made.text("/secret")[..8]));
    town.app.finish().await;
}

#[tokio::test]
async fn a_key_that_was_taken_back_stops_within_seconds() {
    let town = Town::new().await;
    let app = &town.app;
    let made = app.api_key(&town.bakery.owner, "api", &["members:read"]).await;
    let path = format!("/api/v1/api-keys/{}", made.text("/api_key/id"));
    app.delete(&path).bearer(&town.florist.owner.token).await.refused(404, "not_found");
    app.delete(&path).bearer(&town.bakery.owner.token).await.is(204);
    app.delete(&path).bearer(&town.bakery.owner.token).await.refused(404, "not_found");
    app.delete(format!("/api/v1/api-keys/{}", nobody("key")))
        .bearer(&town.bakery.owner.token)
        .await
        .refused(404, "not_found");
    app.get("/api/v1/members").bearer(&made.text("/secret")).await.refused(401, "invalid_token");
    town.app.finish().await;
}

#[tokio::test]
async fn a_key_that_was_in_use_stops_as_well_when_it_is_taken_back() {
    let town = Town::new().await;
    let app = &town.app;
    let made = app.api_key(&town.bakery.owner, "api", &["members:read"]).await;
    app.get("/api/v1/members").bearer(&made.text("/secret")).await.is(200);
    let path = format!("/api/v1/api-keys/{}", made.text("/api_key/id"));
    app.delete(&path).bearer(&town.bakery.owner.token).await.is(204);
    app.get("/api/v1/members").bearer(&made.text("/secret")).await.refused(401, "invalid_token");
    town.app.finish().await;
}

#[tokio::test]
async fn a_key_ends_with_its_time() {
    let town = Town::new().await;
    let app = &town.app;
    let body =
        |at: &str| json!({ "kind": "api", "name": "Till", "scopes": ["members:read"], "expires_at": at });
    let create = |at: &str| app.post("/api/v1/api-keys", body(at)).bearer(&town.bakery.owner.token);
    create("2026-11-20T11:00:00Z").await.refused(422, "invalid");
    let key = create("2026-11-20T13:00:00Z").await.is(201).text("/secret");
    app.get("/api/v1/members").bearer(&key).await.is(200);
    app.pass(SignedDuration::from_hours(1));
    app.get("/api/v1/members").bearer(&key).await.refused(401, "invalid_token");
    for wrong in [
        "dmk_",
        "dmk_0123456789abcdefghjkmnpqrstvwxyz",
        "dmd_0123456789abcdefghjkmnpqrstvwxyz",
        &key.replace("dmk_", "dmd_"),
    ] {
        app.get("/api/v1/members").bearer(wrong).await.refused(401, "invalid_token");
    }
    town.app.finish().await;
}
