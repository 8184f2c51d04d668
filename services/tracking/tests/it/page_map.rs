//! The map of a customer's page: what is on it, when, and for whom.

use contracts::orders::{OrderFacts, OrderStatus};
use kernel::geo::Position;
use platform::service::MapFiles;
use serde_json::{Value, json};
use testkit::service::Stage;

use crate::maps::imported;
use crate::world::{DOOR, SHOP, Streets, World, code, facts, in_town, world};

/// The market square, which is on the demo's map as the shop is.
const MARKET: (f64, f64) = (60.1676, 24.9520);

impl World {
    async fn map(&self, number: u128) -> Value {
        self.town.get(format!("/api/v1/track/{}/map", code(number))).await.is(200).json()
    }

    async fn created(&self, number: u128, door: (f64, f64)) {
        let facts = facts(number, self.town.now());
        let mut dropoff = facts.dropoff.clone();
        dropoff.position = Position::new(door.0, door.1).ok();
        self.create_with(number, OrderFacts { dropoff, ..facts }).await;
    }
}

fn near(place: &Value, (lat, lon): (f64, f64)) -> bool {
    let [east, north] = [&place[0], &place[1]].map(|axis| axis.as_f64().unwrap());
    (east - lon).abs() < 1e-6 && (north - lat).abs() < 1e-6
}

#[tokio::test]
async fn without_a_map_the_way_is_a_straight_line_through_what_is_to_come() {
    let world = world().await;
    world.on_the_way(1).await;
    let hidden = world.map(1).await;
    assert!(hidden["courier"].is_null(), "nobody has been seen yet");
    assert_eq!(hidden["dropoff"], json!({ "lat": DOOR.0, "lon": DOOR.1 }));
    world.at(SHOP).await.is(200);
    world.pass(5);
    let map = world.map(1).await;
    assert_eq!((&map["courier"]["age_s"], &map["courier"]["lat"]), (&json!(5), &json!(SHOP.0)));
    assert_eq!((&map["way"]["source"], map["attribution"].is_null()), (&json!("straight_line"), true));
    assert_eq!(map["way"]["line"].as_array().unwrap().len(), 2);
    world.town.get("/api/v1/track/NOSUCHCODE/map").await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn with_a_map_the_way_follows_the_streets() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(tracking::manifest(), tracking::service).with_travel(Streets);
    let folder = Some(imported(dir.path()));
    let world = in_town(stage.with_map(MapFiles { folder, pmtiles: None })).await;
    // Nobody has it yet: the way is the one from the shop to the door, as cars go.
    world.created(1, MARKET).await;
    let map = world.map(1).await;
    let line = map["way"]["line"].as_array().unwrap();
    assert!(line.len() == 3 && near(&line[0], SHOP) && near(line.last().unwrap(), MARKET), "{map}");
    assert_eq!(
        (&map["way"]["source"], &map["attribution"]),
        (&json!("roads"), &json!("© OpenStreetMap contributors"))
    );
    // A door beyond the map is reached by a straight line, and the answer says so.
    world.created(2, (60.2055, 24.6559)).await;
    assert_eq!(world.map(2).await["way"]["source"], "straight_line");
    world.town.finish().await;
}

#[tokio::test]
async fn the_courier_is_on_the_map_of_the_next_customer_only_and_of_nobody_where_the_organisation_says_so() {
    let world = world().await;
    world.on_the_way(1).await;
    world.on_the_way(2).await;
    world.at(SHOP).await.is(200);
    world.route(1, &[(1, "dropoff"), (2, "dropoff")]).await;
    assert!(world.map(1).await["courier"].is_object());
    let other = world.map(2).await;
    assert!(other["courier"].is_null(), "{other}");
    assert_eq!(other["way"]["line"].as_array().unwrap().len(), 2, "from the shop to the door");
    let settings = json!({ "arrivals": "make", "retention_days": 30, "arriving_distance_m": 300, "show_driver": true,
        "show_position": false, "show_phone": true });
    let manager = &world.town.bakery.manager.token;
    world.town.put("/api/v1/tracking/settings", settings).bearer(manager).if_match(0).await.is(200);
    assert!(world.map(1).await["courier"].is_null());
    world.town.finish().await;
}

#[tokio::test]
async fn once_it_has_ended_nothing_is_on_the_map() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    assert_eq!(world.map(1).await, json!({}));
    world.town.finish().await;
}
