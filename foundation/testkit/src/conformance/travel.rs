//! Sources of travel times: own roads, routing servers, the straight line. What all of them have to do ([`travel_times`]),
//! and what a routing server's client has to do while its server is not well ([`routing_server`]).

mod server;

use std::sync::Arc;
use std::time::Duration;

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Matrix, Profile};
use platform::travel::TravelTimes;

pub use server::{Asked, FakeServer, ISLAND, SEA, Says, table_of, way};

/// When everybody leaves: a Monday morning.
const LEAVING: Timestamp = Timestamp::constant(1_795_420_800, 0);

/// A source under test.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The source.
    pub times: &'a dyn TravelTimes,
    /// The word that it has to name itself by.
    pub source: &'static str,
    /// The middle of some kilometres in which it knows ways.
    pub centre: Position,
    /// Profiles that it knows ways for.
    pub profiles: &'a [Profile],
    /// A place from which there is no way and to which there is none, if it knows one.
    pub apart: Option<Position>,
    /// Rows and columns of a large question: more than fits into one request.
    pub large: (usize, usize),
}

impl Case<'_> {
    async fn ask(&self, from: &[Position], to: &[Position]) -> Matrix {
        self.times.matrix(self.profiles[0], from, to, LEAVING).await.expect("an answer")
    }

    async fn leg(&self, from: Position, to: Position) -> Option<Leg> {
        self.ask(&[from], &[to]).await.leg(0, 0)
    }

    /// Places around the middle, some hundred metres apart, none twice.
    fn places(&self, number: usize) -> Vec<Position> {
        let place = |n: usize| {
            let (row, column) = (
                f64::from(u32::try_from(n / 15).expect("few")),
                f64::from(u32::try_from(n % 15).expect("few")),
            );
            Position::new(self.centre.lat() + row * 4e-4, self.centre.lon() + column * 7e-4)
                .expect("on the earth")
        };
        (0..number).map(place).collect()
    }
}

/// Runs the suite that every source has to pass.
pub async fn travel_times(case: &Case<'_>) {
    it_answers_each_pair_and_names_itself(case).await;
    it_answers_for_each_of_its_profiles(case).await;
    a_large_question_has_the_answers_of_its_small_ones(case).await;
    a_question_without_places_has_an_empty_answer(case).await;
    a_place_apart_costs_the_others_nothing(case).await;
}

async fn it_answers_each_pair_and_names_itself(case: &Case<'_>) {
    let places = case.places(33);
    let (from, to) = ([places[0], places[32]], [places[0], places[16], places[32]]);
    let answer = case.ask(&from, &to).await;
    assert_eq!(answer.source, case.source);
    for (row, origin) in from.iter().enumerate() {
        for (column, destination) in to.iter().enumerate() {
            let leg = answer.leg(row, column).unwrap_or_else(|| panic!("no way from {row} to {column}"));
            let line_m = origin.distance_m(*destination);
            // A place may stand a little beside its road.
            assert!(f64::from(leg.distance_m) >= line_m - 300.0, "{leg:?} for {line_m} m");
            assert!(line_m < 1.0 || leg.duration_s > 0, "{leg:?} for {line_m} m");
        }
    }
    assert_eq!(answer.leg(0, 3).or(answer.leg(2, 0)), None, "nothing beyond its edges");
    let here = answer.leg(0, 0).expect("a way to itself");
    assert!(here.duration_s <= 1 && here.distance_m <= 1, "to itself it is no way: {here:?}");
}

async fn it_answers_for_each_of_its_profiles(case: &Case<'_>) {
    let places = case.places(33);
    for profile in case.profiles {
        let answer =
            case.times.matrix(*profile, &places[..1], &places[32..], LEAVING).await.expect("an answer");
        assert!(answer.leg(0, 0).is_some(), "{profile:?}");
        assert_eq!(answer.source, case.source, "{profile:?}");
    }
}

/// Divided or not, rows stay rows: each pair is what it is when it is asked for alone.
async fn a_large_question_has_the_answers_of_its_small_ones(case: &Case<'_>) {
    let (rows, columns) = case.large;
    let places = case.places(rows.max(columns));
    let (from, to): (Vec<_>, Vec<_>) =
        (places[..rows].to_vec(), places.iter().rev().take(columns).copied().collect());
    let answer = case.ask(&from, &to).await;
    for n in 0..40 {
        // Scattered over all of it, with both ends.
        let (row, column) = ((n * 37) % rows, (n * 53) % columns);
        for (row, column) in [(row, column), (rows - 1 - row, columns - 1 - column)] {
            let alone = case.leg(from[row], to[column]).await;
            assert_eq!(answer.leg(row, column), alone, "row {row}, column {column}");
        }
    }
}

async fn a_question_without_places_has_an_empty_answer(case: &Case<'_>) {
    let places = case.places(2);
    assert_eq!(case.ask(&[], &places).await.leg(0, 0), None);
    assert_eq!(case.ask(&places, &[]).await.leg(0, 0), None);
}

async fn a_place_apart_costs_the_others_nothing(case: &Case<'_>) {
    let Some(apart) = case.apart else { return };
    let places = case.places(33);
    let (from, to) = ([places[0], apart, places[16]], [places[32], apart]);
    let answer = case.ask(&from, &to).await;
    for (row, column) in [(0, 1), (1, 0), (2, 1)] {
        assert_eq!(answer.leg(row, column), None, "{row}, {column}");
    }
    for row in [0, 2] {
        assert_eq!(answer.leg(row, 0), case.leg(from[row], to[0]).await);
        assert!(answer.leg(row, 0).is_some());
    }
}

/// A client of a routing server under test.
pub struct Client<'a> {
    /// Makes one for a server at this address, which waits for so long.
    pub make: &'a dyn Fn(&str, Duration) -> Arc<dyn TravelTimes>,
    /// The server that it talks to.
    pub server: &'a FakeServer,
    /// Documents of the protocol that answer another question than one for a single pair.
    pub wrong: &'a [&'a str],
    /// What must be in no error.
    pub secret: &'a str,
}

/// Runs the suite for a client of a routing server: every way in which an answer may fail is an error that names no place
/// and no secret, and it is there in time.
pub async fn routing_server(client: &Client<'_>) {
    let says = |status: u16, body: &str| Says::This(status, body.to_owned());
    let mut cases: Vec<(String, Says)> = [301, 400, 401, 403, 404, 418, 422, 429, 500, 502, 503, 504]
        .into_iter()
        .map(|status| (format!("a plain {status}"), says(status, &format!("<h1>{}</h1>", client.secret))))
        .collect();
    let nonsense =
        ["", "{", "[]", "{}", "null", "\"Ok\"", "<html></html>", "{\"code\":\"Ok\"}", "{\"code\":7}"];
    cases.extend(nonsense.map(|body| (format!("the document {body:?}"), says(200, body))));
    cases.extend(client.wrong.iter().map(|body| (format!("the document {body}"), says(200, body))));
    cases.push(("too long a document".to_owned(), says(200, &" ".repeat(5 << 20))));
    cases.push(("silence".to_owned(), Says::Nothing));
    let times = (client.make)(&client.server.url, Duration::from_secs(1));
    for (case, says) in cases {
        client.server.now(says);
        fails(&*times, client, &case).await;
    }
    client.server.now(Says::Ways);
    let gone = FakeServer::address_of_nobody().await;
    fails(&*(client.make)(&gone, Duration::from_secs(1)), client, "nobody there").await;
    assert!(ask(&*times).await.is_ok(), "it is well again");
    assert!(!format!("{times:?}").contains(client.secret), "{times:?}");
}

fn places() -> (Position, Position) {
    let at = |lat, lon| Position::new(lat, lon).expect("on the earth");
    (at(60.171_717, 24.941_818), at(60.167_676, 24.952_626))
}

async fn ask(times: &dyn TravelTimes) -> platform::Result<Matrix> {
    let (from, to) = places();
    times.matrix(Profile::Car, &[from], &[to], LEAVING).await
}

async fn fails(times: &dyn TravelTimes, client: &Client<'_>, case: &str) {
    let answer = tokio::time::timeout(Duration::from_secs(3), ask(times)).await;
    let answer = answer.unwrap_or_else(|_elapsed| panic!("{case}: no end"));
    let Err(error) = answer else { panic!("{case} was taken for an answer: {answer:?}") };
    let shown = format!("{error} {error:?} {}", error.chain());
    assert!(!shown.contains(client.secret), "{case}: {shown}");
    for place in ["60.17", "24.94", "60.16", "24.95"] {
        assert!(!shown.contains(place), "{case}: {shown}");
    }
    assert!(error.chain().len() > error.message().len() + 20, "{case}: it should say why: {shown}");
}
