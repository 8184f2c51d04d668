//! One delivery from the order to the door, with the customer's page looked at after each step.

use contracts::orders::OrderStatus as S;
use serde_json::Value;

use crate::world::{DOOR, SHOP, World, north_of, world};

/// The page in short: state, status, whether it is expected, whether the courier is seen, rows.
async fn look(world: &World) -> (String, String, bool, bool, usize) {
    let page = world.page(1).await.is(200).json();
    let text = |name: &str| page[name].as_str().unwrap_or_default().to_owned();
    let rows = page["timeline"].as_array().unwrap().len();
    (text("state"), text("status"), page["eta"].is_object(), page["position"].is_object(), rows)
}

fn seen(
    state: &str,
    status: S,
    expected: bool,
    position: bool,
    rows: usize,
) -> (String, String, bool, bool, usize) {
    (state.to_owned(), status.as_str().to_owned(), expected, position, rows)
}

#[tokio::test]
async fn a_delivery_is_followed_from_the_order_to_the_door() {
    let world = world().await;
    world.create(1).await;
    assert_eq!(look(&world).await, seen("active", S::Created, false, false, 1));

    world.at(north_of(SHOP, -500.0)).await.is(200);
    world.assign(1, 2, world.driver).await;
    world.route(1, &[(1, "pickup"), (1, "dropoff")]).await;
    assert_eq!(look(&world).await, seen("active", S::Assigned, true, true, 2));

    world.step(1, 3, S::Assigned, S::EnrouteToPickup, world.driver).await;
    for _ in 0..2 {
        world.pass(60);
        world.at(north_of(SHOP, -20.0)).await.is(200);
    }
    world.town.settle().await;
    assert_eq!(world.steps().len(), 1, "orders is told of the arrival");
    world.step(1, 4, S::EnrouteToPickup, S::ArrivedAtPickup, world.driver).await;
    assert_eq!(look(&world).await, seen("active", S::ArrivedAtPickup, true, true, 4));

    world.step(1, 5, S::ArrivedAtPickup, S::PickedUp, world.driver).await;
    world.step(1, 6, S::PickedUp, S::EnrouteToDropoff, world.driver).await;
    world.route(2, &[(1, "dropoff")]).await;
    world.pass(60);
    world.at(north_of(DOOR, -900.0)).await.is(200);
    assert_eq!(look(&world).await, seen("active", S::EnrouteToDropoff, true, true, 6));

    world.pass(60);
    world.at(north_of(DOOR, -250.0)).await.is(200);
    assert_eq!(look(&world).await, seen("active", S::EnrouteToDropoff, true, true, 7));
    for _ in 0..2 {
        world.pass(30);
        world.at(north_of(DOOR, 5.0)).await.is(200);
    }
    world.town.settle().await;
    assert_eq!(world.steps()[0]["status"], "arrived_at_dropoff");
    world.step(1, 7, S::EnrouteToDropoff, S::ArrivedAtDropoff, world.driver).await;
    assert_eq!(look(&world).await, seen("active", S::ArrivedAtDropoff, true, true, 8));

    world.step(1, 8, S::ArrivedAtDropoff, S::Delivered, world.driver).await;
    assert_eq!(look(&world).await, seen("finished", S::Delivered, false, false, 9));

    let events = world.town.events().await;
    let told: Vec<&str> = events
        .iter()
        .filter(|(subject, _)| subject == "delivery.updated.v1")
        .map(|(_, payload)| payload["kind"].as_str().unwrap())
        .collect();
    let page = world.page(1).await.is(200).json();
    let shown: Vec<&str> = page["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row: &Value| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(told, shown, "the timeline is what was told");
    let foreign: Vec<_> = world.town.count_of_other_organisations().await;
    assert_eq!(foreign, Vec::<i64>::new());
    world.town.finish().await;
}

/// Rows of the florist beside its driver: there are none.
trait OfOthers {
    async fn count_of_other_organisations(&self) -> Vec<i64>;
}

impl OfOthers for testkit::service::Town {
    async fn count_of_other_organisations(&self) -> Vec<i64> {
        let mut found = Vec::new();
        for table in ["orders", "delivery_updates", "positions", "routes", "shops"] {
            let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM tracking.{table} WHERE org_id = $1"));
            let rows: i64 = sqlx::query_scalar(sql)
                .bind(self.florist.id.uuid())
                .fetch_one(&mut self.db.admin().await)
                .await
                .unwrap();
            if rows > 0 {
                found.push(rows);
            }
        }
        found
    }
}
