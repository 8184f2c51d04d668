//! The list of drivers is kept for a while, and never longer than it is true.

use std::time::Duration;

use kernel::time::SignedDuration;
use platform::cache::Key;
use serde_json::{Value, json};
use testkit::service::Town;

use crate::world::{add, change_role, on_board, open, say, vehicle};

async fn list(town: &Town) -> Vec<Value> {
    let owner = town.again(&town.bakery.owner);
    let page = town.get("/api/v1/drivers").bearer(&owner.token).await.is(200).json();
    page["items"].as_array().unwrap().clone()
}

/// Behind the service's back.
async fn skill_in_the_table(town: &Town, skill: &str) {
    sqlx::query("UPDATE drivers.drivers SET skills = ARRAY[$1]")
        .bind(skill)
        .execute(&mut town.db.admin().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_first_page_is_kept_for_five_minutes() {
    let town = open().await;
    add(&town, &json!({ "name": "Ada", "skills": ["a"] })).await;
    assert_eq!(list(&town).await[0]["skills"], json!(["a"]));
    skill_in_the_table(&town, "b").await;
    assert_eq!(list(&town).await[0]["skills"], json!(["a"]), "kept");
    assert_eq!(list(&town).await[0]["name"], "Ada", "opened each time");
    let manager = town.bakery.manager.token.as_str();
    let filtered = town.get("/api/v1/drivers?active=true").bearer(manager).await.is(200);
    assert_eq!(filtered.json()["items"][0]["skills"], json!(["b"]), "filters ask the table");
    assert_eq!(
        town.get("/api/v1/drivers").bearer(&town.florist.owner.token).await.is(200).json()["items"],
        json!([])
    );
    town.pass(SignedDuration::from_mins(6));
    assert_eq!(list(&town).await[0]["skills"], json!(["b"]));
    town.finish().await;
}

#[tokio::test]
async fn every_change_lets_it_go() {
    let town = open().await;
    let id = add(&town, &json!({})).await.text("/id");
    let manager = town.bakery.manager.token.as_str();
    assert_eq!(list(&town).await.len(), 1);
    add(&town, &json!({})).await;
    assert_eq!(list(&town).await.len(), 2, "added");
    say(&town, &id, "busy", manager).await.is(200);
    assert_eq!(list(&town).await[0]["availability"], "busy", "said");
    let bike = vehicle(&town, "bicycle").await;
    let change = json!({ "vehicle_id": bike, "name": "Ada" });
    town.patch(format!("/api/v1/drivers/{id}"), change).bearer(manager).if_match(2).await.is(200);
    assert_eq!(
        (&list(&town).await[0]["vehicle_id"], &list(&town).await[0]["name"]),
        (&json!(bike), &json!("Ada"))
    );
    let mine = on_board(&town).await;
    assert_eq!(list(&town).await.len(), 3, "joined");
    change_role(&town, town.bakery.id, town.bakery.driver.user, "driver", None).await;
    let drivers = list(&town).await;
    let left = drivers.iter().find(|driver| driver["id"] == json!(mine)).unwrap();
    assert_eq!(left["active"], false, "left");
    let document = json!({ "kind": "driving_licence", "expires_on": "2026-11-20", "required": true });
    town.post(format!("/api/v1/drivers/{id}/documents"), document).bearer(manager).await.is(201);
    assert_eq!(list(&town).await[0]["documents"], "valid", "a document");
    town.pass(SignedDuration::from_hours(24));
    town.settle().await;
    assert_eq!(
        (&list(&town).await[0]["documents"], &list(&town).await[0]["availability"]),
        (&json!("expired"), &json!("off_duty"))
    );
    town.finish().await;
}

#[tokio::test]
async fn nothing_personal_is_in_the_cache_and_it_may_vanish() {
    let town = open().await;
    add(&town, &json!({ "name": "Ada Lovelace", "phone": "+358401234567" })).await;
    assert_eq!(list(&town).await[0]["name"], "Ada Lovelace");
    let generation = Key::of("drivers.generation", town.bakery.id, "roster");
    let cache = town.ground.cache.cache();
    let drawn = cache.get(&generation).await.unwrap();
    let page = Key::of("drivers.roster", town.bakery.id, String::from_utf8_lossy(&drawn));
    let kept = String::from_utf8(cache.get(&page).await.unwrap().to_vec()).unwrap();
    assert!(kept.contains("driver_") && !kept.contains("Lovelace") && !kept.contains("401234567"));
    skill_in_the_table(&town, "b").await;
    cache.delete(&generation).await;
    assert_eq!(list(&town).await[0]["skills"], json!(["b"]), "made again");
    cache.delete(&page).await;
    assert_eq!(list(&town).await[0]["name"], "Ada Lovelace");
    let drawn = cache.get(&generation).await.unwrap();
    let page = Key::of("drivers.roster", town.bakery.id, String::from_utf8_lossy(&drawn));
    cache.put(&page, "{\"of\":\"another program\"}".into(), Duration::from_mins(5)).await;
    assert_eq!(list(&town).await[0]["name"], "Ada Lovelace", "read again");
    assert_ne!(cache.get(&generation).await.unwrap(), drawn);
    town.finish().await;
}
