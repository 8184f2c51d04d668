//! The client against a service that is played by the documentation of the Matrix API.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use kernel::geo::Position;
use kernel::time::{ManualClock, Timestamp};
use kernel::travel::{Leg, Profile};
use mapbox::{Mapbox, SOURCE};
use platform::travel::{Chain, Endpoint, Provider, Straight, TravelTimes};
use serde_json::{Value, json};
use testkit::conformance::travel::{
    Asked, Case, Client, FakeServer, ISLAND, Says, routing_server, table_of, travel_times, way,
};

const TOKEN: &str = "pk.eyJ1Ijoibm9ib2R5In0.c2VjcmV0";

/// As the API answers: 401 without the token, 422 for what it does not accept, and a place is moved to a road.
fn protocol(asked: &Asked) -> (u16, String) {
    let refuse =
        |status: u16, code: &str| (status, json!({ "code": code, "message": asked.path }).to_string());
    let Some((path, token)) = asked.path.rsplit_once("&access_token=") else {
        return (401, json!({ "message": "Not Authorized - No Token" }).to_string());
    };
    if token.replace("%2E", ".") != TOKEN {
        return (401, json!({ "message": "Not Authorized - Invalid Token" }).to_string());
    }
    let Some(rest) = path.strip_prefix("/directions-matrix/v1/mapbox/") else {
        return refuse(404, "NotFound");
    };
    let most = match rest.split('/').next() {
        Some("driving" | "walking" | "cycling") => 25,
        Some("driving-traffic") => 10,
        _ => return refuse(404, "ProfileNotFound"),
    };
    let Some((from, to)) = table_of(path) else { return refuse(422, "InvalidInput") };
    if !(2..=most).contains(&(from.len() + to.len())) {
        return refuse(422, "InvalidInput");
    }
    let rows = |pick: fn((f64, f64)) -> f64| -> Vec<Vec<Option<f64>>> {
        from.iter().map(|from| to.iter().map(|to| way(*from, *to).map(pick)).collect()).collect()
    };
    let waypoints = |places: &[Position]| -> Vec<Value> {
        let waypoint = |place: &Position| json!({ "name": "Street", "distance": 2.2, "location": [place.lon() + 4e-5, place.lat()] });
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

fn made(url: &str, patience: Duration, token: &str, traffic: bool) -> Mapbox {
    Mapbox::new(Endpoint::configured(url, patience).unwrap(), token.into(), traffic)
}

fn client(url: &str, patience: Duration) -> Arc<dyn TravelTimes> {
    Arc::new(made(url, patience, TOKEN, false))
}

fn at(lat: f64, lon: f64) -> Position {
    Position::new(lat, lon).unwrap()
}

const PATIENCE: Duration = Duration::from_secs(2);
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[tokio::test]
async fn it_is_a_source_of_travel_times() {
    let server = FakeServer::start(protocol).await;
    for (traffic, large) in [(false, (30, 20)), (true, (12, 9))] {
        let case = Case {
            times: &made(&server.url, PATIENCE, TOKEN, traffic),
            source: SOURCE,
            centre: at(60.17, 24.94),
            profiles: &Profile::ALL,
            apart: Some(at(ISLAND, 24.94)),
            large,
        };
        travel_times(&case).await;
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_an_error_in_time() {
    let server = FakeServer::start(protocol).await;
    let wrong = [
        r#"{"code":"Ok","durations":[[1,2]],"distances":[[1,2]]}"#,
        r#"{"code":"Ok","durations":[[1]]}"#,
        r#"{"code":"Ok","durations":[[1]],"distances":[[-1]]}"#,
        r#"{"message":"Not Authorized - Invalid Token"}"#,
    ];
    let client = Client { make: &client, server: &server, wrong: &wrong, secret: TOKEN };
    routing_server(&client).await;
}

#[tokio::test]
async fn a_whole_answer_of_the_documentation_is_read() {
    let server = FakeServer::start(protocol).await;
    let document = r#"{
        "code": "Ok",
        "durations": [[573.5, null]],
        "distances": [[5234.4, null]],
        "destinations": [
            {"name": "McAllister Street", "location": [-122.418408, 37.751668], "distance": 0.006},
            {"name": "Harrison Street", "location": [-122.422959, 37.755184], "distance": 0.008}
        ],
        "sources": [{"name": "Mission Street", "location": [-122.426911, 37.759695], "distance": 0.009}]
    }"#;
    server.now(Says::This(200, document.to_owned()));
    let from = [at(37.759_695, -122.426_911)];
    let to = [at(37.751_668, -122.418_408), at(37.755_184, -122.422_959)];
    let answer = client(&server.url, PATIENCE).matrix(Profile::Foot, &from, &to, NOW).await.unwrap();
    assert_eq!(answer.leg(0, 0), Some(Leg { duration_s: 574, distance_m: 5_234 }));
    assert_eq!(answer.leg(0, 1), None);
    assert!(
        server.asked()[0].path.starts_with("/directions-matrix/v1/mapbox/walking/-122.426911,37.759695;")
    );
}

#[tokio::test]
async fn with_traffic_cars_are_asked_for_ten_places_at_a_time_and_others_as_before() {
    let server = FakeServer::start(protocol).await;
    let mapbox = made(&server.url, PATIENCE, TOKEN, true);
    let places: Vec<_> = (0..8).map(|n| at(60.0 + f64::from(n) * 1e-3, 24.9)).collect();
    mapbox.matrix(Profile::Car, &places, &places, NOW).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 4, "two by two of 5 x 5 at most");
    assert!(asked.iter().all(|request| request.path.contains("/mapbox/driving-traffic/")));
    mapbox.matrix(Profile::Bicycle, &places, &places, NOW).await.unwrap();
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_question_that_would_cost_too_much_is_left_to_the_next() {
    let server = FakeServer::start(protocol).await;
    let places: Vec<_> = (0..60).map(|n| at(60.0 + f64::from(n) * 1e-3, 24.9)).collect();
    let asked = client(&server.url, PATIENCE).matrix(Profile::Car, &places, &places, NOW).await;
    let error = asked.unwrap_err();
    assert_eq!((error.kind(), server.asked()), (platform::Kind::Invalid, vec![]));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let server = FakeServer::start(protocol).await;
    let here = [at(60.17, 24.94)];
    for (status, code, words) in [
        (401, "", "token"),
        (403, "", "token"),
        (429, "", "quota"),
        (422, "InvalidInput", "InvalidInput"),
        (200, "NoRoute", "no way"),
        (404, "ProfileNotFound", "profile"),
    ] {
        server.now(Says::This(status, json!({ "code": code, "message": "60.17" }).to_string()));
        let asked = client(&server.url, PATIENCE).matrix(Profile::Car, &here, &here, NOW).await;
        let error = asked.unwrap_err();
        assert!(error.chain().contains(words), "{status} {code}: {}", error.chain());
    }
}

/// The service repeats the whole request in its refusal, as servers do; the chain writes a line about it.
#[tokio::test]
async fn the_token_is_in_no_line_of_the_log() {
    let logs = testkit::logs::capture();
    let server =
        FakeServer::start(|asked| (400, json!({ "code": "No", "message": asked.path }).to_string())).await;
    let clock = Arc::new(ManualClock::at(NOW));
    let chain = Chain::new(vec![
        Provider::remote(SOURCE, client(&server.url, PATIENCE), clock, false),
        Provider::near("straight_line", Straight::default()),
    ]);
    let here = [at(60.17, 24.94)];
    let answer = chain.matrix(Profile::Car, &here, &here, NOW).await.unwrap();
    assert_eq!(answer.source, "straight_line");
    let token = TOKEN.replace('.', "%2E");
    assert!(server.asked()[0].path.contains(&token), "it was sent");
    let text = logs.text();
    assert!(text.contains("travel times were not answered"), "the control: {text}");
    assert!(!text.contains(TOKEN) && !text.contains(&token) && !text.contains("60.17"), "{text}");
    assert!(!format!("{chain:?}").contains(TOKEN), "{chain:?}");
}
