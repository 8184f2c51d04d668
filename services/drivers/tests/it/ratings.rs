//! Stars are counted once per order.

use kernel::ids::{DriverId, OrderId, Uuid};
use platform::Kind;
use platform::db::Scope;
use serde_json::json;

use crate::world::{add, open};

#[tokio::test]
async fn an_order_is_rated_once() {
    let town = open().await;
    let id = add(&town, &json!({})).await.text("/id");
    let driver: DriverId = id.parse().unwrap();
    let mut tx = town.ground.db.begin(&Scope::system(town.bakery.id)).await.unwrap();
    let order = |number: u128| OrderId::new(Uuid::from_u128(number));
    assert!(drivers::rate(&mut tx, order(1), driver, 5).await.unwrap());
    assert!(!drivers::rate(&mut tx, order(1), driver, 1).await.unwrap(), "the order was rated");
    assert!(drivers::rate(&mut tx, order(2), driver, 4).await.unwrap());
    tx.commit().await.unwrap();
    let found = town.get(format!("/api/v1/drivers/{id}")).bearer(&town.bakery.owner.token).await.is(200);
    assert_eq!((&found.json()["rating"], found.version()), (&json!({ "average": 4.5, "count": 2 }), 3));
    assert_eq!(town.audited().await, ["create_driver", "rate_driver", "rate_driver"]);
    town.finish().await;
}

#[tokio::test]
async fn only_one_to_five_stars_and_only_drivers_of_the_organisation() {
    let town = open().await;
    let driver: DriverId = add(&town, &json!({})).await.text("/id").parse().unwrap();
    let order = OrderId::new(Uuid::from_u128(1));
    for (org, stars, kind) in [
        (town.bakery.id, 0, Kind::Invalid),
        (town.bakery.id, 6, Kind::Invalid),
        (town.florist.id, 5, Kind::NotFound),
    ] {
        let mut tx = town.ground.db.begin(&Scope::system(org)).await.unwrap();
        assert_eq!(drivers::rate(&mut tx, order, driver, stars).await.unwrap_err().kind(), kind);
        tx.rollback().await.unwrap();
    }
    town.finish().await;
}
