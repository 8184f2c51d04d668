//! The client against a server that is played by the documentation of the matrix service.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Profile};
use platform::travel::{Endpoint, TravelTimes};
use serde_json::{Value, json};
use testkit::conformance::travel::{
    Asked, Case, Client, FakeServer, ISLAND, SEA, Says, routing_server, travel_times, way,
};
use valhalla::{SOURCE, Valhalla};

fn refuse(code: u32, words: &str) -> (u16, String) {
    let document = json!({ "error_code": code, "error": words, "status_code": 400, "status": "Bad Request" });
    (400, document.to_string())
}

fn places_of(question: &Value, name: &str) -> Vec<Position> {
    let place = |at: &Value| Position::new(at["lat"].as_f64()?, at["lon"].as_f64()?).ok();
    question[name].as_array().unwrap().iter().map(|at| place(at).unwrap()).collect()
}

/// As `valhalla_service` answers: one place without a road refuses everything.
fn protocol(asked: &Asked) -> (u16, String) {
    if asked.path != "/sources_to_targets" || asked.method != "POST" {
        return refuse(106, "Try any of: '/locate' '/route' '/sources_to_targets'");
    }
    let Ok(question) = serde_json::from_str::<Value>(&asked.body) else {
        return refuse(100, "Failed to parse json request");
    };
    if !matches!(question["costing"].as_str(), Some("auto" | "motorcycle" | "bicycle" | "pedestrian")) {
        return refuse(125, "No costing method found");
    }
    let (from, to) = (places_of(&question, "sources"), places_of(&question, "targets"));
    if from.len() * to.len() > 2_500 {
        return refuse(150, "Exceeded max locations");
    }
    if from.iter().chain(&to).any(|place| place.lat() >= SEA) {
        return refuse(171, "No suitable edges near location");
    }
    let cell = |row: usize, column: usize| {
        let way = way(from[row], to[column]);
        let (time, distance) =
            way.map_or((None, None), |(s, m)| (Some(s.round()), Some((m).round() / 1_000.0)));
        json!({ "from_index": row, "to_index": column, "time": time, "distance": distance })
    };
    let rows: Vec<Vec<Value>> =
        (0..from.len()).map(|row| (0..to.len()).map(|column| cell(row, column)).collect()).collect();
    let document = json!({
        "sources_to_targets": rows, "units": "kilometers", "algorithm": "costmatrix",
        "sources": question["sources"], "targets": question["targets"],
    });
    (200, document.to_string())
}

fn client(url: &str, patience: Duration) -> Arc<dyn TravelTimes> {
    Arc::new(Valhalla::new(Endpoint::configured(url, patience).unwrap()))
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
        r#"{"sources_to_targets":[]}"#,
        r#"{"sources_to_targets":[[]]}"#,
        r#"{"sources_to_targets":[[{"time":1,"distance":1},{"time":1,"distance":1}]]}"#,
        r#"{"sources_to_targets":[[{"time":"1","distance":1}]]}"#,
        r#"{"sources_to_targets":[[{"time":-1,"distance":1}]]}"#,
        r#"{"sources_to_targets":{"durations":[[1]],"distances":[[1]]}}"#,
    ];
    let client = Client { make: &client, server: &server, wrong: &wrong, secret: "not-for-logs" };
    routing_server(&client).await;
}

#[tokio::test]
async fn a_whole_answer_of_the_documentation_is_read() {
    let server = FakeServer::start(protocol).await;
    let document = r#"{
        "sources": [{"lon": -73.990508, "lat": 40.744014}],
        "targets": [{"lon": -73.979713, "lat": 40.739735}, {"lon": -73.985015, "lat": 40.752522}],
        "sources_to_targets": [[
            {"distance": 1.389, "time": 967, "to_index": 0, "from_index": 0},
            {"distance": null, "time": null, "to_index": 1, "from_index": 0}
        ]],
        "units": "kilometers", "id": "ManyToMany_NYC_work_dinner"
    }"#;
    server.now(Says::This(200, document.to_owned()));
    let (office, doors) =
        ([at(40.744_014, -73.990_508)], [at(40.739_735, -73.979_713), at(40.752_522, -73.985_015)]);
    let answer = client(&server.url, PATIENCE).matrix(Profile::Foot, &office, &doors, NOW).await.unwrap();
    assert_eq!(answer.leg(0, 0), Some(Leg { duration_s: 967, distance_m: 1_389 }));
    assert_eq!(answer.leg(0, 1), None);
    let asked: Value = serde_json::from_str(&server.asked()[0].body).unwrap();
    assert_eq!(
        asked,
        json!({
            "sources": [{ "lat": 40.744_014, "lon": -73.990_508, "search_cutoff": 500 }],
            "targets": [
                { "lat": 40.739_735, "lon": -73.979_713, "search_cutoff": 500 },
                { "lat": 40.752_522, "lon": -73.985_015, "search_cutoff": 500 },
            ],
            "costing": "pedestrian",
            "units": "kilometers",
        })
    );
}

/// As 3.9 does with a yard that has no way out: `null` unless it may look around.
fn yards(asked: &Asked) -> (u16, String) {
    let (status, text) = protocol(asked);
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let question: Value = serde_json::from_str(&asked.body).unwrap();
    let is_yard = |side: &str, index: usize| {
        let place = &question[side][index];
        place["lat"].as_f64().unwrap() < 60.0 && place["radius"] != 50
    };
    for (row, cells) in document["sources_to_targets"].as_array_mut().unwrap().iter_mut().enumerate() {
        for (column, cell) in cells.as_array_mut().unwrap().iter_mut().enumerate() {
            if is_yard("sources", row) || is_yard("targets", column) {
                (cell["time"], cell["distance"]) = (Value::Null, Value::Null);
            }
        }
    }
    (status, document.to_string())
}

#[tokio::test]
async fn what_the_nearest_road_does_not_lead_to_is_asked_for_with_the_roads_around() {
    let server = FakeServer::start(yards).await;
    let places: Vec<_> =
        (0..6).map(|n| at(if n == 2 { 59.99 } else { 60.0 }, 24.9 + f64::from(n) * 1e-3)).collect();
    let client = client(&server.url, PATIENCE);
    let answer = client.matrix(Profile::Car, &places, &places, NOW).await.unwrap();
    for (row, column) in (0..6).flat_map(|row| (0..6).map(move |column| (row, column))) {
        assert!(answer.leg(row, column).is_some(), "{row}, {column}");
    }
    let pairs = |asked: &Asked| {
        let question: Value = serde_json::from_str(&asked.body).unwrap();
        places_of(&question, "sources").len() * places_of(&question, "targets").len()
    };
    assert_eq!(
        server.asked().iter().map(pairs).collect::<Vec<_>>(),
        [36, 6, 5],
        "a row and a column of the yard"
    );
    // Who is on an island is there also with the roads around.
    let island = [at(ISLAND, 24.9)];
    assert_eq!(client.matrix(Profile::Car, &island, &places[..1], NOW).await.unwrap().leg(0, 0), None);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn each_profile_has_its_costing() {
    let server = FakeServer::start(protocol).await;
    let (here, there) = ([at(60.17, 24.94)], [at(60.16, 24.95)]);
    let client = client(&server.url, PATIENCE);
    let mut seen = Vec::new();
    for profile in Profile::ALL {
        client.matrix(profile, &here, &there, NOW).await.unwrap();
        let asked: Value = serde_json::from_str(&server.asked()[0].body).unwrap();
        seen.push(format!("{} {}", asked["costing"], asked["costing_options"]));
    }
    assert_eq!(
        seen,
        [
            "\"auto\" null",
            "\"motorcycle\" null",
            "\"bicycle\" null",
            "\"bicycle\" {\"bicycle\":{\"cycling_speed\":20}}",
            "\"pedestrian\" null"
        ]
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let server = FakeServer::start(protocol).await;
    for (code, words) in [
        (106, "does not offer sources_to_targets"),
        (125, "no costing"),
        (150, "service_limits"),
        (499, "in its log"),
    ] {
        let (status, body) = refuse(code, "at 60.17");
        server.now(Says::This(status, body));
        let here = [at(60.17, 24.94)];
        let asked = client(&server.url, PATIENCE).matrix(Profile::Car, &here, &here, NOW).await;
        let error = asked.unwrap_err();
        assert!(error.chain().contains(words), "{}", error.chain());
        assert_eq!(error.kind(), platform::Kind::Invalid, "it says nothing about whether the server works");
    }
}

#[tokio::test]
async fn large_questions_are_divided_into_requests_that_the_server_accepts() {
    let server = FakeServer::start(protocol).await;
    let places: Vec<_> = (0..120).map(|n| at(60.0 + f64::from(n) * 1e-3, 24.9)).collect();
    client(&server.url, PATIENCE).matrix(Profile::Car, &places, &places, NOW).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 100, "ten by ten of 12 x 12 at most");
}
