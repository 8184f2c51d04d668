//! The map: addresses and pictures of what was imported, and what is said without one.

use std::path::{Path, PathBuf};

use platform::service::MapFiles;
use serde_json::{Value, json};
use testkit::service::{Stage, Town};

use crate::world::{DEGREE_M, DOOR, north_of};

/// The demo's extract with everything that this service reads.
pub(crate) fn imported(dir: &Path) -> PathBuf {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf");
    let data = osm::Data::read(file.as_ref(), &osm::Limits::default(), &mut |_| {}).unwrap();
    let folder = dir.join("map");
    let mut writer = mapfolder::Writer::begin(&folder).unwrap();
    places::import(&data, &mut writer, &mut |_| {}).unwrap();
    tiles::import(&data, &mut writer, &mut |_| {}).unwrap();
    writer.finish(mapfolder::Source::of(&data, "helsinki.osm.pbf")).unwrap();
    folder
}

async fn town(folder: Option<PathBuf>) -> Town {
    let stage = Stage::new(tracking::manifest(), tracking::service);
    stage.with_map(MapFiles { folder, pmtiles: None }).open().await
}

fn first(found: &Value) -> &Value {
    &found["features"][0]["properties"]["geocoding"]
}

#[tokio::test]
async fn an_address_is_found_by_its_text_and_by_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(Some(imported(dir.path()))).await;
    let driver = &town.bakery.driver.token;
    let found = town.get("/api/v1/geo/search?q=mannerheimintie%205").bearer(driver).await.is(200).json();
    assert_eq!(
        (&found["type"], &found["geocoding"]["version"]),
        (&json!("FeatureCollection"), &json!("0.1.0"))
    );
    let house = first(&found);
    assert_eq!(
        (&house["street"], &house["match_level"]),
        (&json!("Mannerheimintie"), &json!("house")),
        "{house}"
    );
    let at = found["features"][0]["geometry"]["coordinates"].clone();
    let path = format!("/api/v1/geo/reverse?lat={}&lon={}", at[1], at[0]);
    let there = town.get(path).bearer(driver).await.is(200).json();
    assert_eq!(first(&there)["street"], house["street"], "{there}");
    let typo =
        town.get("/api/v1/geo/search?q=manerheimintie%205&limit=1").bearer(driver).await.is(200).json();
    assert_eq!(first(&typo)["street"], house["street"], "{typo}");
    let none = town.get("/api/v1/geo/search?q=qqqqzzzz%2099999").bearer(driver).await.is(200).json();
    assert_eq!(none["features"], json!([]));
    town.finish().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let town = town(None).await;
    let driver = &town.bakery.driver.token;
    for query in
        ["", "?q=", "?q=a&limit=0", "?q=a&limit=21", "?q=a&near=91,0", "?q=a&near=60", "?q=a&language=FIN1"]
    {
        let reply = town.get(format!("/api/v1/geo/search{query}")).bearer(driver).await;
        let (status, _) = reply.verdict();
        assert!([400, 422].contains(&status), "{query}: {status}");
    }
    town.get("/api/v1/geo/search?q=a").await.refused(401, "unauthenticated");
    town.get("/api/v1/geo/search?q=a").bearer(driver).await.refused(404, "map_missing");
    town.get("/api/v1/geo/reverse?lat=60&lon=24").bearer(driver).await.refused(404, "map_missing");
    town.get("/api/v1/map").await.refused(404, "map_missing");
    town.get("/api/v1/map/tiles/14/9326/4742").await.refused(404, "map_missing");
    town.finish().await;
}

#[tokio::test]
async fn a_map_is_drawn_for_everybody_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(Some(imported(dir.path()))).await;
    let document = town.get("/api/v1/map").await.is(200).json();
    assert_eq!(document["attribution"], json!("© OpenStreetMap contributors"));
    let style = town.get("/api/v1/map/styles/dark").await.is(200).json();
    let source = style["sources"]["protomaps"]["url"].as_str().unwrap();
    assert!(source.ends_with("/api/v1/map"), "{source}");
    // The tile of the central station.
    let path = "/api/v1/map/tiles/14/9326/4742";
    let packed = town.get(path).header("accept-encoding", "gzip, br").await.is(200);
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
    let plain = town.get(path).await.is(200);
    assert_eq!(plain.header("content-type"), "application/vnd.mapbox-vector-tile");
    let etag = plain.header("etag").to_owned();
    town.get(path).header("if-none-match", &etag).await.is(304);
    town.get("/api/v1/map/tiles/14/0/0").await.is(204);
    town.get("/api/v1/map/styles/purple").await.is(404);
    town.finish().await;
}

#[tokio::test]
async fn without_a_map_there_is_a_grid_and_with_a_broken_one_too() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("current"), "nonsense").unwrap();
    for folder in [None, Some(dir.path().join("nowhere")), Some(dir.path().to_owned())] {
        let town = town(folder).await;
        let style = town.get("/api/v1/map/styles/light?lat=60.17&lon=24.94").await.is(200).json();
        assert!(style["sources"]["grid"].is_object(), "{style}");
        town.get("/api/v1/map").await.refused(404, "map_missing");
        town.finish().await;
    }
}

#[tokio::test]
async fn a_map_that_is_imported_later_is_taken_without_a_new_start() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(Some(dir.path().join("map"))).await;
    imported(dir.path());
    // Nobody had asked before: the first question looks.
    town.get("/api/v1/map").await.is(200);
    town.finish().await;
}

/// The house with the address, its door sixteen metres north of it, four hand-overs and one from down the road.
#[tokio::test]
async fn doors_are_learned_from_where_couriers_hand_over() {
    let dir = tempfile::tempdir().unwrap();
    let map = MapFiles { folder: Some(imported(dir.path())), pmtiles: None };
    let world =
        crate::world::in_town(Stage::new(tracking::manifest(), tracking::service).with_map(map)).await;
    let search = "/api/v1/geo/search?q=mannerheimintie%205&limit=1";
    let house = async |org: &testkit::service::Org| {
        let manager = world.town.again(&org.manager);
        let found = world.town.get(search).bearer(&manager.token).await.is(200).json();
        let at = &found["features"][0]["geometry"]["coordinates"];
        (at[1].as_f64().unwrap(), at[0].as_f64().unwrap())
    };
    let address = house(&world.town.bakery).await;
    let door = north_of(address, 16.0);
    for (number, metres) in [(1, 0.0), (2, 1.5), (3, -2.0), (4, 0.5), (5, 90.0)] {
        world.hand_over(number, address, north_of(door, metres)).await;
    }
    let learned = "SELECT count(*) FROM tracking.doors";
    assert_eq!(world.town.count(learned).await, 0);
    world.learn().await;
    assert_eq!(world.town.count(learned).await, 1);
    let found = house(&world.town.bakery).await;
    assert!((found.0 - door.0).abs() * DEGREE_M < 2.5, "{found:?} instead of {door:?}");
    assert_eq!(house(&world.town.florist).await, address, "others know nothing of it");
    world.town.finish().await;
}

#[tokio::test]
async fn without_a_map_hand_overs_are_kept_for_later() {
    let world = crate::world::world().await;
    world.hand_over(1, DOOR, DOOR).await;
    world.learn().await;
    let rows =
        "SELECT (SELECT count(*) FROM tracking.handovers) * 10 + (SELECT count(*) FROM tracking.doors)";
    assert_eq!(world.town.count(rows).await, 10);
    world.pass(181 * 86_400);
    world.learn().await;
    assert_eq!(world.town.count(rows).await, 0);
    world.town.finish().await;
}
