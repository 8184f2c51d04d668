//! What customers say.

use contracts::orders::{OrderFacts, OrderStatus};
use kernel::ids::CustomerId;
use kernel::time::SignedDuration;
use platform::db::Scope;
use platform::vault::Subject;
use serde_json::json;

use crate::world::{World, code, facts, world};

async fn delivered(world: &World) {
    world.on_the_way(1).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
}

fn path(what: &str) -> String {
    format!("/api/v1/track/{}/{what}", code(1))
}

#[tokio::test]
async fn a_delivery_is_rated_once_and_changed_for_seven_days() {
    let world = world().await;
    delivered(&world).await;
    let rate = |stars: i64, comment: &str| {
        world.town.post(path("rating"), json!({ "stars": stars, "comment": comment }))
    };
    rate(4, "Still warm!").await.is(200);
    world.town.pass(SignedDuration::from_hours(6 * 24));
    rate(5, " Still warm, and on time! ").await.is(200);
    assert_eq!(world.page(1).await.is(200).json()["stars"], 5);
    let followed = world.followed(1).await;
    assert_eq!(followed["rating"]["comment"], "Still warm, and on time!");
    let kinds = world.kinds(1).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "rated").count(), 1);
    assert_eq!(world.town.audited().await, ["rate_delivery", "rate_delivery"]);
    world.town.pass(SignedDuration::from_hours(2 * 24));
    rate(1, "").await.refused(409, "rating_closed");
    world.town.finish().await;
}

#[tokio::test]
async fn what_a_customer_writes_is_sealed_and_not_shown_to_drivers() {
    let world = world().await;
    delivered(&world).await;
    let words = "Third floor, the door is blue";
    world.town.post(path("rating"), json!({ "stars": 3, "comment": words })).await.is(200);
    let plain = world
        .town
        .count(
            "SELECT count(*) FROM tracking.ratings WHERE position(convert_to('blue', 'UTF8') IN comment) > 0",
        )
        .await;
    assert_eq!(plain, 0);
    assert!(!world.town.events().await.iter().any(|(_, payload)| payload.to_string().contains("blue")));
    let driver = world.town.again(&world.town.bakery.driver);
    let tracking = format!("/api/v1/orders/{}/tracking", crate::world::order(1));
    let seen = world.town.get(tracking).bearer(&driver.token).await.is(200).json();
    assert_eq!((&seen["rating"]["stars"], seen["rating"]["comment"].is_null()), (&json!(3), true));
    world.town.finish().await;
}

#[tokio::test]
async fn what_is_not_delivered_is_not_rated() {
    let world = world().await;
    world.on_the_way(1).await;
    let rating = json!({ "stars": 5 });
    let refused = world.town.post(path("rating"), &rating).await.refused(409, "not_ratable");
    assert_eq!(refused.json()["state"]["status"], "enroute_to_dropoff");
    world.town.post("/api/v1/track/NOSUCHCODE/rating", &rating).await.refused(404, "not_found");
    for bad in [
        json!({ "stars": 0 }),
        json!({ "stars": 6 }),
        json!({ "stars": 4.5 }),
        json!({ "comment": "x" }),
        json!({ "stars": 5, "comment": "x".repeat(1001) }),
        json!({ "stars": 5, "comment": "a\u{7}b" }),
    ] {
        world.town.post(path("rating"), bad).await.refused(422, "invalid");
    }
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    world.town.pass(SignedDuration::from_hours(8 * 24));
    world.town.post(path("rating"), &rating).await.refused(409, "not_ratable");
    world.town.finish().await;
}

#[tokio::test]
async fn a_customer_confirms_the_receipt_once() {
    let world = world().await;
    world.on_the_way(1).await;
    let confirm = || world.town.client.post(path("confirm"));
    confirm().await.refused(409, "not_delivered");
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    let first = confirm().await.is(200).json();
    world.pass(60);
    assert_eq!(confirm().await.is(200).json(), first, "saying so again changes nothing");
    let page = world.page(1).await.is(200).json();
    assert_eq!(page["confirmed_at"], first["confirmed_at"]);
    assert_eq!(world.kinds(1).await.iter().filter(|kind| *kind == "confirmed").count(), 1);
    world.town.client.post("/api/v1/track/NOSUCHCODE/confirm").await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn what_an_erased_customer_wrote_is_gone_and_the_stars_stay() {
    let world = world().await;
    delivered(&world).await;
    world.town.post(path("rating"), json!({ "stars": 2, "comment": "Cold" })).await.is(200);
    let id: kernel::ids::Uuid = sqlx::query_scalar("SELECT subject FROM tracking.ratings")
        .fetch_one(&mut world.town.db.admin().await)
        .await
        .unwrap();
    let bakery = world.town.bakery.id;
    let mut tx = world.town.ground.db.begin(&Scope::system(bakery)).await.unwrap();
    assert!(world.town.ground.vault.destroy(&mut tx, Subject::of_org(bakery, id)).await.unwrap());
    tx.commit().await.unwrap();
    let rating = world.followed(1).await["rating"].clone();
    assert_eq!((&rating["stars"], rating["comment"].is_null()), (&json!(2), true));
    assert_eq!(world.page(1).await.is(200).json()["stars"], 2);
    world.town.finish().await;
}

#[tokio::test]
async fn a_known_customer_is_the_one_whose_key_seals_it() {
    let world = world().await;
    let customer = CustomerId::new(kernel::ids::Uuid::from_u128(77));
    let facts = OrderFacts { customer_id: Some(customer), ..facts(1, world.town.now()) };
    world.create_with(1, facts).await;
    world.step(1, 2, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    world.town.post(path("rating"), json!({ "stars": 2, "comment": "Cold" })).await.is(200);
    let subject: kernel::ids::Uuid = sqlx::query_scalar("SELECT subject FROM tracking.ratings")
        .fetch_one(&mut world.town.db.admin().await)
        .await
        .unwrap();
    assert_eq!(subject, customer.uuid());
    world.town.finish().await;
}
