//! The client against a server that is played by the documentation of the table service.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Profile};
use osrm::{Osrm, SOURCE};
use platform::travel::{Endpoint, TravelTimes};
use serde_json::{Value, json};
use testkit::conformance::travel::{
    Asked, Case, Client, FakeServer, ISLAND, SEA, Says, routing_server, table_of, travel_times, way,
};

/// As `osrm-routed` answers: a refusal is 400 with a code; a place is moved to a road, here by a few metres.
fn protocol(asked: &Asked) -> (u16, String) {
    let refuse = |code: &str| (400, json!({ "code": code, "message": "in words" }).to_string());
    if asked.method != "GET" || !asked.path.starts_with("/table/v1/") {
        return refuse("InvalidUrl");
    }
    let Some((from, to)) = table_of(&asked.path) else { return refuse("InvalidQuery") };
    if from.len() + to.len() > 100 {
        return refuse("TooBig");
    }
    if from.iter().chain(&to).any(|place| place.lat() >= SEA) {
        return refuse("NoSegment");
    }
    let rows = |pick: fn((f64, f64)) -> f64| -> Vec<Vec<Option<f64>>> {
        from.iter().map(|from| to.iter().map(|to| way(*from, *to).map(pick)).collect()).collect()
    };
    let waypoints = |places: &[Position]| -> Vec<Value> {
        let waypoint = |place: &Position| json!({ "hint": "x", "name": "Street", "distance": 4.2, "location": [place.lon() + 4e-5, place.lat()] });
        places.iter().map(waypoint).collect()
    };
    let document = json!({
        "code": "Ok",
        "durations": rows(|way| way.0),
        "distances": rows(|way| way.1),
        "sources": waypoints(&from),
        "destinations": waypoints(&to),
    });
    (200, document.to_string())
}

fn client(url: &str, patience: Duration) -> Arc<dyn TravelTimes> {
    let endpoint = Endpoint::configured(url, patience).unwrap();
    Arc::new(Osrm::new(endpoint, "car, bicycle, foot".parse().unwrap()))
}

fn at(lat: f64, lon: f64) -> Position {
    Position::new(lat, lon).unwrap()
}

const PATIENCE: Duration = Duration::from_secs(2);
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[tokio::test]
async fn it_is_a_source_of_travel_times() {
    let server = FakeServer::start(protocol).await;
    for apart in [ISLAND, SEA] {
        let case = Case {
            times: &*client(&server.url, PATIENCE),
            source: SOURCE,
            centre: at(60.17, 24.94),
            profiles: &Profile::ALL,
            apart: Some(at(apart, 24.94)),
            large: (120, 130),
        };
        travel_times(&case).await;
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_an_error_in_time() {
    let server = FakeServer::start(protocol).await;
    let wrong = [
        r#"{"code":"Ok","durations":[[1,2]],"distances":[[1,2]]}"#,
        r#"{"code":"Ok","durations":[[1],[2]],"distances":[[1],[2]]}"#,
        r#"{"code":"Ok","durations":[[1]]}"#,
        r#"{"code":"Ok","durations":[["1"]],"distances":[[1]]}"#,
        r#"{"code":"Ok","durations":[[-1]],"distances":[[1]]}"#,
        r#"{"code":"Fine","durations":[[1]],"distances":[[1]]}"#,
    ];
    let client = Client { make: &client, server: &server, wrong: &wrong, secret: "not-for-logs" };
    routing_server(&client).await;
}

/// The example of the documentation, with the distances that `annotations` adds.
#[tokio::test]
async fn a_whole_answer_of_the_documentation_is_read() {
    let server = FakeServer::start(protocol).await;
    let document = r#"{
        "code": "Ok",
        "sources": [{"location": [13.3888, 52.517033], "hint": "PAMA", "name": "Friedrichstraße", "distance": 4.15}],
        "destinations": [
            {"location": [13.397631, 52.529432], "hint": "WIQA", "name": "Torstraße", "distance": 2.8},
            {"location": [13.428554, 52.523239], "hint": "7UcA", "name": "Platz der Vereinten Nationen", "distance": 2.2}
        ],
        "durations": [[192.6, null]],
        "distances": [[1886.8, null]]
    }"#;
    server.now(Says::This(200, document.to_owned()));
    let (shop, doors) =
        ([at(52.517_037, 13.388_86)], [at(52.529_407, 13.397_634), at(52.523_219, 13.428_555)]);
    let answer = client(&server.url, PATIENCE).matrix(Profile::Car, &shop, &doors, NOW).await.unwrap();
    assert_eq!(answer.leg(0, 0), Some(Leg { duration_s: 193, distance_m: 1_887 }));
    assert_eq!(answer.leg(0, 1), None);
    let asked = server.asked();
    assert_eq!(
        asked[0].path,
        "/table/v1/car/13.388860,52.517037;13.397634,52.529407;13.428555,52.523219\
         ?sources=0&destinations=1;2&annotations=duration,distance"
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let server = FakeServer::start(protocol).await;
    for (code, words) in [
        ("NoTable", "found no way"),
        ("TooBig", "--max-table-size 100"),
        ("InvalidQuery", "does not understand"),
    ] {
        server.now(Says::This(400, json!({ "code": code, "message": "60.17" }).to_string()));
        let places = [at(60.17, 24.94)];
        let asked = client(&server.url, PATIENCE).matrix(Profile::Car, &places, &places, NOW).await;
        let error = asked.unwrap_err();
        assert!(error.chain().contains(code) && error.chain().contains(words), "{}", error.chain());
        assert_eq!(error.kind(), platform::Kind::Invalid, "it says nothing about whether the server works");
    }
}

#[tokio::test]
async fn large_questions_are_divided_into_requests_that_the_server_accepts() {
    let server = FakeServer::start(protocol).await;
    let places: Vec<_> = (0..120).map(|n| at(60.0 + f64::from(n) * 1e-3, 24.9)).collect();
    client(&server.url, PATIENCE).matrix(Profile::Car, &places, &places, NOW).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 9, "three by three of 50 x 50 at most");
    for request in &asked {
        let (from, to) = table_of(&request.path).unwrap();
        assert!(from.len() + to.len() <= 100);
    }
}

#[tokio::test]
async fn only_the_profiles_of_the_server_are_asked_for_by_their_names_below_its_path() {
    let server = FakeServer::start(protocol).await;
    let endpoint = Endpoint::configured(&format!("{}/behind/a/proxy/", server.url), PATIENCE).unwrap();
    let osrm = Osrm::new(endpoint, "car=routed-car".parse().unwrap());
    server.now(Says::This(200, r#"{"code":"Ok","durations":[[1]],"distances":[[1]]}"#.to_owned()));
    let (here, there) = ([at(60.17, 24.94)], [at(60.16, 24.95)]);
    let bicycle = osrm.matrix(Profile::Bicycle, &here, &there, NOW).await.unwrap();
    assert_eq!((bicycle.leg(0, 0), server.asked()), (None, vec![]), "nobody was asked");
    let motorcycle = osrm.matrix(Profile::Motorcycle, &here, &there, NOW).await.unwrap();
    assert!(motorcycle.leg(0, 0).is_some());
    assert!(server.asked()[0].path.starts_with("/behind/a/proxy/table/v1/routed-car/"));
}

#[tokio::test]
async fn a_place_that_the_server_moves_far_is_not_known() {
    let server = FakeServer::start(protocol).await;
    let document = json!({
        "code": "Ok", "durations": [[60]], "distances": [[500]],
        "sources": [{ "location": [24.94, 60.17] }], "destinations": [{ "location": [24.97, 60.17] }],
    });
    server.now(Says::This(200, document.to_string()));
    let (here, sea) = ([at(60.17, 24.94)], [at(60.10, 24.97)]);
    let answer = client(&server.url, PATIENCE).matrix(Profile::Car, &here, &sea, NOW).await.unwrap();
    assert_eq!(answer.leg(0, 0), None);
}
