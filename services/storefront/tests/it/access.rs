//! Who may do what, and what the document says.

use platform::http::openapi::incomplete;
use serde_json::json;

use crate::world::{bakery, open};

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let town = open().await;
    assert_eq!(town.check_access().await, 11 * 7);
    town.finish().await;
}

#[tokio::test]
async fn the_document_is_complete() {
    let town = open().await;
    assert_eq!(incomplete(town.document.value()), Vec::<String>::new());
    let ids: Vec<String> = town.document.operations().all().iter().map(|one| one.id.clone()).collect();
    for id in ["create_shop", "list_shops", "update_zone", "create_quote"] {
        assert!(ids.iter().any(|known| known == id), "{id}");
    }
}

#[tokio::test]
async fn a_key_needs_the_scope() {
    let town = open().await;
    let reader = town.bakery.key("dmk", &["shops:read"]);
    town.get("/api/v1/shops").bearer(&reader).await.is(200);
    town.post("/api/v1/shops", bakery()).bearer(&reader).await.refused(403, "forbidden");
    let writer = town.bakery.key("dmk", &["shops:write"]);
    let id = town.post("/api/v1/shops", bakery()).bearer(&writer).await.is(201).text("/id");
    town.get(format!("/api/v1/shops/{id}")).bearer(&reader).await.is(200);
    let quoting = town.bakery.key("dmk", &["quotes:write"]);
    let asked = json!({ "shop_id": id, "dropoff": { "lat": 60.18, "lon": 24.94 } });
    town.post("/api/v1/quotes", asked.clone()).bearer(&quoting).await.is(201);
    town.post("/api/v1/quotes", asked).bearer(&writer).await.refused(403, "forbidden");
    town.finish().await;
}
