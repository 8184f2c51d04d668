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
