use mapbox::Mapbox;
use osrm::Osrm;
use platform::travel::tables::TableServer;
use platform::travel::{Endpoint, Straight};
use serde_json::{Value, json};
use testkit::conformance::travel::{Asked, FakeServer, Says, table_of, way};
use valhalla::Valhalla;

use super::super::Severity;
use super::*;

const TOKEN: &str = "pk.eyJ1Ijoibm9ib2R5In0.c2VjcmV0";

fn at(lat: f64, lon: f64) -> Position {
    Position::new(lat, lon).unwrap()
}

/// OSRM's table, and where its roads are.
fn osrm(asked: &Asked) -> (u16, String) {
    if let Some(place) = asked.path.strip_prefix("/nearest/v1/car/") {
        let lat: f64 = place.split(',').nth(1).unwrap().parse().unwrap();
        // Roads from 60.1 to 60.3 degrees north.
        let lon: f64 = place.split(',').next().unwrap().parse().unwrap();
        let location = [lon.clamp(24.8, 25.0), lat.clamp(60.1, 60.3)];
        return (200, json!({ "code": "Ok", "waypoints": [{ "location": location }] }).to_string());
    }
    let Some((from, to)) = table_of(&asked.path) else {
        return (400, json!({ "code": "InvalidUrl", "message": asked.path }).to_string());
    };
    let rows = |pick: fn((f64, f64)) -> f64| -> Vec<Vec<Option<f64>>> {
        from.iter().map(|from| to.iter().map(|to| way(*from, *to).map(pick)).collect()).collect()
    };
    let document = json!({ "code": "Ok", "durations": rows(|way| way.0), "distances": rows(|way| way.1) });
    (200, document.to_string())
}

/// Valhalla that keeps to itself where its tiles are.
fn valhalla(asked: &Asked) -> (u16, String) {
    if asked.path == "/status" {
        return (200, json!({ "version": "3.9.1", "available_actions": [] }).to_string());
    }
    let question: Value = serde_json::from_str(&asked.body).unwrap();
    let targets = question["targets"].as_array().unwrap().len();
    let cells: Vec<Value> = (0..targets).map(|_| json!({ "time": 300, "distance": 2.5 })).collect();
    (200, json!({ "sources_to_targets": [cells] }).to_string())
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::configured(url, PATIENCE).unwrap()
}

fn server(times: impl TableServer + 'static, setting: &'static str) -> Server {
    Server { setting, times: Arc::new(times), by_hour: false }
}

fn osrm_at(url: &str) -> Server {
    server(Osrm::new(endpoint(url), "car".parse().unwrap()), "travel.osrm_url")
}

fn valhalla_at(url: &str) -> Server {
    server(Valhalla::new(endpoint(url)), "travel.valhalla_url")
}

/// A map of some kilometres of which every way is a straight line.
fn map() -> Map {
    Map { times: Arc::new(Straight::default()), south_west: at(60.15, 24.9), north_east: at(60.20, 25.0) }
}

fn is(finding: &Finding, severity: Severity, words: &[&str]) {
    let shown = finding.to_string();
    assert_eq!(finding.severity, severity, "{shown}");
    assert_eq!(finding.fix.is_empty(), severity == Severity::Fine, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
}

#[tokio::test]
async fn a_server_that_answers_is_held_against_the_map() {
    let fake = FakeServer::start(osrm).await;
    let finding = look(&osrm_at(&fake.url), Some(&map())).await;
    is(
        &finding,
        Severity::Fine,
        &["routing by OSRM", "knows 4 of 4 ways by car in your map", "% less than on your map"],
    );
    let asked = fake.asked();
    assert_eq!(asked.len(), 1, "one request with four ways");
    let (from, to) = table_of(&asked[0].path).unwrap();
    assert_eq!((from.len(), to.len()), (1, 4));
    for place in from.iter().chain(&to) {
        assert!((60.15..60.20).contains(&place.lat()) && (24.9..25.0).contains(&place.lon()), "{place:?}");
    }
}

#[tokio::test]
async fn times_that_are_not_alike_are_a_warning() {
    let fake = FakeServer::start(osrm).await;
    let crawling = kernel::travel::StraightLine { detour: 1.3, speed_m_s: 1.0, whole_minutes: false };
    let own = Map { times: Arc::new(Straight { line: Some(crawling) }), ..map() };
    let finding = look(&osrm_at(&fake.url), Some(&own)).await;
    is(&finding, Severity::Warning, &["less than on your map", "travel.osrm_profiles"]);
}

#[tokio::test]
async fn without_a_map_a_server_is_asked_at_a_place_that_it_names_itself() {
    let fake = FakeServer::start(osrm).await;
    let finding = look(&osrm_at(&fake.url), None).await;
    is(
        &finding,
        Severity::Fine,
        &["knows 18 of 18 ways by car in its own area", "no way of your map to compare with"],
    );
    let asked = fake.asked();
    let (from, _) = table_of(&asked.last().unwrap().path).unwrap();
    assert!((from[0].lat() - 60.2).abs() < 1e-6, "the middle of its roads: {from:?}");
}

#[tokio::test]
async fn one_that_names_no_place_is_asked_for_no_way_and_that_is_said() {
    let fake = FakeServer::start(valhalla).await;
    let finding = look(&valhalla_at(&fake.url), None).await;
    is(&finding, Severity::Warning, &["routing by Valhalla", "asked for no way", "import the map"]);
    assert_eq!(fake.asked().len(), 1);
    is(&look(&valhalla_at(&fake.url), Some(&map())).await, Severity::Fine, &["4 of 4 ways"]);
}

#[tokio::test]
async fn what_is_away_or_something_else_is_broken_and_the_setting_is_named() {
    let gone = FakeServer::address_of_nobody().await;
    for own in [Some(map()), None] {
        let finding = look(&osrm_at(&gone), own.as_ref()).await;
        is(&finding, Severity::Broken, &["cannot be used", "look at travel.osrm_url", "osrm-routed"]);
        let finding = look(&valhalla_at(&gone), own.as_ref()).await;
        is(&finding, Severity::Broken, &["look at travel.valhalla_url", "valhalla_service"]);
    }
    let page = FakeServer::start(|_asked| (200, "<h1>It works!</h1>".to_owned())).await;
    let exchanged = FakeServer::start(valhalla).await;
    for url in [&page.url, &exchanged.url] {
        exchanged.now(Says::This(404, json!({ "error_code": 106, "error": "Try any of" }).to_string()));
        is(&look(&osrm_at(url), Some(&map())).await, Severity::Broken, &["travel.osrm_url"]);
        is(&look(&osrm_at(url), None).await, Severity::Broken, &["travel.osrm_url"]);
    }
    let other = FakeServer::start(osrm).await;
    for url in [&page.url, &other.url] {
        is(&look(&valhalla_at(url), Some(&map())).await, Severity::Broken, &["travel.valhalla_url"]);
        is(&look(&valhalla_at(url), None).await, Severity::Broken, &["travel.valhalla_url"]);
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_said_without_the_token() {
    let fake = FakeServer::start(|asked| (429, json!({ "message": asked.path }).to_string())).await;
    let mapbox = server(Mapbox::new(endpoint(&fake.url), TOKEN.into(), false), "travel.mapbox_token");
    for own in [Some(map()), None] {
        let finding = look(&mapbox, own.as_ref()).await;
        is(
            &finding,
            Severity::Broken,
            &["routing by Mapbox", "the quota is used up", "look at travel.mapbox_token"],
        );
        fake.now(Says::This(401, TOKEN.to_owned()));
        let refused = look(&mapbox, own.as_ref()).await;
        is(&refused, Severity::Broken, &["the access token or the login is not accepted"]);
        fake.now(Says::Ways);
        let shown = format!("{finding} {refused} {mapbox:?}");
        assert!(!shown.contains(TOKEN) && !shown.contains(&TOKEN.replace('.', "%2E")), "{shown}");
    }
    assert!(
        fake.asked().iter().all(|asked| asked.path.contains("access_token=pk")),
        "the control: it was sent"
    );
}

#[tokio::test]
async fn a_slow_server_is_a_warning_and_one_that_nobody_waits_for_is_broken() {
    let fake = FakeServer::start(osrm).await;
    for (wait_ms, severity, words) in
        [(900, Severity::Warning, "see what slows it down"), (2_100, Severity::Broken, "nobody waits for it")]
    {
        fake.now(Says::Late(Duration::from_millis(wait_ms)));
        is(&look(&osrm_at(&fake.url), Some(&map())).await, severity, &["knows 4 of 4 ways", words]);
    }
    fake.now(Says::Nothing);
    is(&look(&osrm_at(&fake.url), Some(&map())).await, Severity::Broken, &["cannot be used"]);
}

#[tokio::test]
async fn a_server_with_roads_elsewhere_knows_no_way_of_the_map() {
    // Roads at 10 degrees east, to which every place is moved.
    let fake = FakeServer::start(|asked| {
        let (from, to) = table_of(&asked.path).unwrap();
        let rows = vec![vec![60.0; to.len()]; from.len()];
        let moved = |places: &[Position]| vec![json!({ "location": [10.0, 50.0] }); places.len()];
        let document = json!({
            "code": "Ok", "durations": rows, "distances": rows, "sources": moved(&from), "destinations": moved(&to),
        });
        (200, document.to_string())
    })
    .await;
    let finding = look(&osrm_at(&fake.url), Some(&map())).await;
    is(
        &finding,
        Severity::Warning,
        &["knows no way by car between 4 pairs of places in your map", "extract of your area"],
    );
}

#[test]
fn the_difference_is_of_the_ways_that_both_know() {
    let leg = |duration_s| Some(Leg { duration_s, distance_m: 1 });
    assert_eq!(compared(&[(leg(100), leg(150)), (None, leg(9)), (leg(60), None)]), Some(1.5));
    assert_eq!(compared(&[(None, leg(1)), (leg(60), None)]), None);
    assert_eq!(beside(1.5), "; they take 50 % longer than on your map");
    assert_eq!(beside(0.75), "; they take 25 % less than on your map");
    assert_eq!(beside(1.004), "; they take as long as on your map");
}

/// In front of real servers, as `travel::proof` is; Valhalla says where its tiles are.
#[tokio::test]
async fn proof_routing_servers_are_looked_at() {
    let told = |name: &str| std::env::var(name).ok();
    let (Some(osrm_url), Some(valhalla_url)) = (told("DROPMATE_OSRM_URL"), told("DROPMATE_VALHALLA_URL"))
    else {
        println!(
            "skipped: no routing server is named; bench/roads/servers.sh starts OSRM and Valhalla and runs this"
        );
        return;
    };
    for server in [osrm_at(&osrm_url), valhalla_at(&valhalla_url)] {
        let finding = look(&server, None).await;
        println!("{finding}");
        is(&finding, Severity::Fine, &[" ways by car in its own area"]);
        // Helsinki is not on these maps.
        let elsewhere = look(&server, Some(&map())).await;
        println!("{elsewhere}");
        is(&elsewhere, Severity::Warning, &["knows no way by car"]);
    }
    // Each at the other's address.
    for server in [osrm_at(&valhalla_url), valhalla_at(&osrm_url)] {
        for own in [Some(map()), None] {
            let finding = look(&server, own.as_ref()).await;
            println!("{finding}");
            is(&finding, Severity::Broken, &["cannot be used"]);
        }
    }
}
