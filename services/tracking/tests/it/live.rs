//! The ephemeral lane: what is true now, newest wins, and whoever is interested hears of it.

use contracts::tracking::DriverLocation;
use kernel::time::SignedDuration;
use platform::live::{Change, Topic};
use serde_json::json;

use crate::world::{DOOR, SHOP, World, north_of, world};

fn topic(world: &World) -> Topic {
    Topic { name: DriverLocation::TOPIC, org: world.town.bakery.id }
}

#[tokio::test]
async fn whoever_is_interested_hears_of_each_newest_position() {
    let world = world().await;
    let mut changes = world.town.ground.live.subscribe(topic(&world));
    let mut elsewhere =
        world.town.ground.live.subscribe(Topic { org: world.town.florist.id, ..topic(&world) });
    world.at(SHOP).await.is(200);
    world.pass(60);
    world.at(north_of(SHOP, 300.0)).await.is(200);
    for place in [SHOP, north_of(SHOP, 300.0)] {
        let Some(Change::Entry(entry)) = changes.next().await else { panic!("nothing was heard") };
        assert_eq!(entry.key, world.driver.to_string());
        let seen: DriverLocation = serde_json::from_slice(&entry.value.unwrap()).unwrap();
        assert_eq!((seen.position.lat(), seen.driver_id), (place.0, world.driver));
    }
    assert!(
        futures::FutureExt::now_or_never(elsewhere.next()).is_none(),
        "another organisation hears nothing"
    );
    world.town.finish().await;
}

#[tokio::test]
async fn a_batch_is_one_change_and_a_late_point_is_none() {
    let world = world().await;
    let mut changes = world.town.ground.live.subscribe(topic(&world));
    let now = world.town.now();
    let at = |metres: f64, ago: i64| {
        let (lat, lon) = north_of(SHOP, metres);
        json!({ "lat": lat, "lon": lon, "at": now.checked_sub(SignedDuration::from_secs(ago)).unwrap() })
    };
    world.report(&json!([at(100.0, 50), at(400.0, 10), at(250.0, 30)])).await.is(207);
    let Some(Change::Entry(entry)) = changes.next().await else { panic!("nothing was heard") };
    let seen: DriverLocation = serde_json::from_slice(&entry.value.unwrap()).unwrap();
    assert_eq!((seen.position.lat(), seen.position.lon()), north_of(SHOP, 400.0));
    world.report(&at(200.0, 40)).await.is(200);
    world.report(&at(400.0, 10)).await.is(200);
    assert!(futures::FutureExt::now_or_never(changes.next()).is_none());
    world.town.finish().await;
}

#[tokio::test]
async fn a_process_that_knows_nothing_reads_the_last_batch_of_the_history() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(north_of(DOOR, 500.0)).await.is(200);
    world.pass(15 * 60);
    assert!(world.town.ground.live.list(topic(&world)).await.is_empty(), "it has ended");
    let page = world.page(1).await.is(200).json();
    assert!(page["position"]["age_s"].as_i64().unwrap() >= 900, "and says how old it is");
    world.town.finish().await;
}

#[tokio::test]
async fn those_who_run_the_day_see_where_everybody_was_last() {
    let world = world().await;
    let town = &world.town;
    let other = world.another_driver(32).await;
    let manager = &town.bakery.manager.token;
    world.at(SHOP).await.is(200);
    let (lat, lon) = DOOR;
    let fix = json!({ "lat": lat, "lon": lon, "at": town.now(), "accuracy_m": 8.0 });
    town.post(World::location(other), &fix).bearer(manager).await.is(200);
    world.pass(7);
    let manager = &town.again(&town.bakery.manager).token;
    let page = town.get("/api/v1/locations").bearer(manager).await.is(200).json();
    let seen: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seen| (seen["driver_id"].clone(), seen["lat"].clone(), seen["age_s"].clone()))
        .collect();
    let of = |driver: kernel::ids::DriverId, lat: f64| (json!(driver), json!(lat), json!(7));
    assert_eq!(seen, [of(world.driver, SHOP.0), of(other, DOOR.0)]);
    // Page by page it is the same.
    let first = town.get("/api/v1/locations?limit=1").bearer(manager).await.is(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = town.get(format!("/api/v1/locations?limit=1&cursor={cursor}")).bearer(manager).await.is(200);
    assert_eq!((&first["items"][0], &second.json()["items"][0]), (&page["items"][0], &page["items"][1]));
    assert!(second.json().get("next_cursor").is_none());
    // Drivers see themselves, elsewhere, and nobody sees another organisation's.
    let driver = town.again(&town.bakery.driver);
    town.get("/api/v1/locations").bearer(&driver.token).await.refused(403, "forbidden");
    let florist = town.again(&town.florist.owner);
    assert_eq!(town.get("/api/v1/locations").bearer(&florist.token).await.is(200).json()["items"], json!([]));
    // What is an hour old is nobody's place any more.
    world.pass(3_600);
    let manager = town.again(&town.bakery.manager);
    assert_eq!(town.get("/api/v1/locations").bearer(&manager.token).await.is(200).json()["items"], json!([]));
    world.town.finish().await;
}
