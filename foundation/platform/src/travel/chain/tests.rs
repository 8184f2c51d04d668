//! Sources that are played: who is asked for what, and what the answer says.

use std::sync::{Mutex, PoisonError};

use kernel::time::{ManualClock, SignedDuration};
use kernel::travel::StraightLine;

use super::super::endpoint::refused;
use super::super::{Keep, Straight, TravelTimes, legs};
use super::*;
use crate::telemetry::metrics::Metrics;

/// What a source does.
#[derive(Debug, Clone, Copy)]
enum Does {
    Answers,
    /// Knows places north of this latitude only.
    KnowsNorthOf(f64),
    Fails,
    Refuses,
    Hangs,
    /// Tells the first row of a question, and no end comes.
    TellsOneRow,
}

#[derive(Debug)]
struct Played {
    seconds: u32,
    does: Mutex<Does>,
    /// Rows and columns of each question.
    asked: Mutex<Vec<(usize, usize)>>,
}

impl Played {
    fn saying(seconds: u32) -> Arc<Self> {
        Arc::new(Self { seconds, does: Mutex::new(Does::Answers), asked: Mutex::default() })
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap_or_else(PoisonError::into_inner) = does;
    }

    /// What it was asked since the last look.
    fn asked(&self) -> Vec<(usize, usize)> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TravelTimes for Played {
    fn matrix<'a>(
        &'a self,
        _profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        _leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Matrix>> {
        let (rows, columns) = (origins.len(), destinations.len());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((rows, columns));
        let does = *self.does.lock().unwrap_or_else(PoisonError::into_inner);
        let knows = move |place: Position| match does {
            Does::KnowsNorthOf(lat) => place.lat() > lat,
            _ => true,
        };
        let leg = Leg { duration_s: self.seconds, distance_m: 1 };
        Box::pin(async move {
            match does {
                Does::Fails => Err(Error::unavailable("routing server")),
                Does::Refuses => Err(refused("too large")),
                Does::Hangs | Does::TellsOneRow => std::future::pending().await,
                Does::Answers | Does::KnowsNorthOf(_) => {
                    let there =
                        |row: usize, column: usize| knows(origins[row]) && knows(destinations[column]);
                    Ok(Matrix::fill(rows, columns, "played", |row, column| there(row, column).then_some(leg)))
                }
            }
        })
    }

    fn parts<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
        keep: &'a mut Keep<'_>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let columns = destinations.len();
            if matches!(*self.does.lock().unwrap(), Does::TellsOneRow) {
                let leg = Leg { duration_s: self.seconds, distance_m: 1 };
                keep(0..1, 0..columns, &vec![Some(leg); columns]);
            }
            let matrix = self.matrix(profile, origins, destinations, leaving).await?;
            keep(0..origins.len(), 0..columns, &legs(&matrix, origins.len(), columns));
            Ok(())
        })
    }
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn at(lat: f64) -> Position {
    Position::new(lat, 24.94).unwrap()
}

struct World {
    clock: ManualClock,
    osrm: Arc<Played>,
    valhalla: Arc<Played>,
    chain: Chain,
}

/// `osrm`, then `valhalla`, then the straight line.
fn world() -> World {
    let clock = ManualClock::at(NOW);
    let (osrm, valhalla) = (Played::saying(1), Played::saying(2));
    let remote = |name, played: &Arc<Played>| {
        Provider::remote(name, Arc::clone(played), Arc::new(clock.clone()), false)
    };
    let chain = Chain::new(vec![
        remote("osrm", &osrm),
        remote("valhalla", &valhalla),
        Provider::near(StraightLine::SOURCE, Straight::default()),
    ]);
    World { clock, osrm, valhalla, chain }
}

impl World {
    async fn ask(&self, from: &[Position], to: &[Position]) -> Matrix {
        self.chain.matrix(Profile::Car, from, to, NOW).await.unwrap()
    }

    /// A question that was not asked before.
    async fn ask_anew(&self, lat: f64) -> String {
        self.ask(&[at(lat)], &[at(lat + 0.1)]).await.source
    }
}

#[tokio::test]
async fn the_first_answers_and_the_others_are_not_asked() {
    let world = world();
    assert_eq!(world.chain.names(), ["osrm", "valhalla", "straight_line"]);
    let matrix = world.ask(&[at(60.0)], &[at(60.1), at(60.2)]).await;
    assert_eq!((matrix.source.as_str(), matrix.leg(0, 1).unwrap().duration_s), ("osrm", 1));
    assert_eq!((world.osrm.asked(), world.valhalla.asked()), (vec![(1, 2)], vec![]));
}

#[tokio::test]
async fn whoever_fails_is_followed_by_the_next() {
    let world = world();
    world.osrm.now(Does::Fails);
    assert_eq!(world.ask_anew(60.0).await, "valhalla");
    world.valhalla.now(Does::Refuses);
    assert_eq!(world.ask_anew(61.0).await, "straight_line");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_answer_within_two_seconds_is_followed_by_the_next() {
    let world = world();
    world.osrm.now(Does::Hangs);
    let began = tokio::time::Instant::now();
    assert_eq!(world.ask_anew(60.0).await, "valhalla");
    assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_slow_is_used_for_what_came_and_asked_for_the_rest_the_next_time() {
    let world = world();
    world.osrm.now(Does::TellsOneRow);
    let (couriers, doors) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].map(at), [at(60.0), at(61.0)]);
    for rows in (2..=couriers.len()).rev() {
        let matrix = world.ask(&couriers, &doors).await;
        assert_eq!(matrix.source, "osrm+valhalla");
        assert_eq!(
            world.osrm.asked(),
            [(rows, 2)],
            "the rows that it has not told yet; six times the circuit stayed closed"
        );
    }
    let seconds = |matrix: &Matrix| [0, 5, 6].map(|row| matrix.leg(row, 1).unwrap().duration_s);
    world.osrm.now(Does::Hangs);
    assert_eq!(seconds(&world.ask(&couriers, &doors).await), [1, 1, 2]);
    world.osrm.now(Does::Answers);
    assert_eq!(seconds(&world.ask(&couriers, &doors).await), [1, 1, 1]);
}

#[tokio::test]
async fn what_one_does_not_know_the_next_is_asked_for_and_nothing_else() {
    let world = world();
    world.osrm.now(Does::KnowsNorthOf(60.0));
    world.valhalla.now(Does::KnowsNorthOf(50.0));
    let places = [at(61.0), at(55.0), at(62.0)];
    let matrix = world.ask(&places, &places).await;
    assert_eq!(matrix.source, "osrm+valhalla");
    assert_eq!(world.valhalla.asked().iter().map(|(rows, columns)| rows * columns).sum::<usize>(), 5);
    let second = |row, column| matrix.leg(row, column).unwrap().duration_s;
    assert_eq!([second(0, 2), second(0, 1), second(1, 0), second(1, 1)], [1, 2, 2, 2]);
    let south = world.ask(&[at(61.5)], &[at(62.0), at(10.0)]).await;
    assert_eq!(south.source, "osrm+straight_line");
    assert_eq!(south.leg(0, 1), Some(StraightLine::usual(Profile::Car).leg(at(61.5), at(10.0))));
}

#[tokio::test]
async fn what_nobody_knows_stays_unknown_and_what_all_fail_to_answer_is_an_error() {
    let (osrm, clock) = (Played::saying(1), ManualClock::at(NOW));
    let chain = Chain::new(vec![Provider::remote("osrm", Arc::clone(&osrm), Arc::new(clock), false)]);
    osrm.now(Does::KnowsNorthOf(60.0));
    let matrix = chain.matrix(Profile::Car, &[at(1.0)], &[at(2.0)], NOW).await.unwrap();
    assert_eq!((matrix.leg(0, 0), matrix.source.as_str()), (None, "osrm"));
    osrm.now(Does::Fails);
    for lat in [3.0, 4.0, 5.0, 6.0, 7.0, 8.0] {
        let error = chain.matrix(Profile::Car, &[at(lat)], &[at(2.0)], NOW).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
    }
    assert_eq!(osrm.asked().len(), 6, "one question, five failures; the last found the circuit open");
}

#[tokio::test]
async fn a_question_without_places_asks_nobody() {
    let world = world();
    let matrix = world.ask(&[], &[at(60.0)]).await;
    assert_eq!((matrix.leg(0, 0), matrix.source.as_str()), (None, "osrm"));
    assert_eq!(world.osrm.asked(), []);
}

#[tokio::test]
async fn after_five_failures_it_is_left_alone_until_the_clock_has_moved_by_half_a_minute() {
    let world = world();
    world.osrm.now(Does::Fails);
    for lat in [1.0, 2.0, 3.0, 4.0, 5.0] {
        assert_eq!(world.ask_anew(lat).await, "valhalla");
    }
    assert_eq!(world.osrm.asked().len(), 5);
    world.osrm.now(Does::Answers);
    assert_eq!(world.ask_anew(6.0).await, "valhalla", "nobody has noticed yet");
    world.clock.advance(SignedDuration::from_secs(29));
    assert_eq!(world.ask_anew(7.0).await, "valhalla");
    assert_eq!(world.osrm.asked(), []);
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.ask_anew(8.0).await, "osrm", "one question tries, and closes the circuit");
    assert_eq!(world.ask_anew(9.0).await, "osrm");
}

#[tokio::test]
async fn a_trial_that_fails_opens_the_circuit_again() {
    let world = world();
    world.osrm.now(Does::Fails);
    for lat in [1.0, 2.0, 3.0, 4.0, 5.0] {
        world.ask_anew(lat).await;
    }
    world.clock.advance(SignedDuration::from_secs(30));
    for lat in [6.0, 7.0] {
        assert_eq!(world.ask_anew(lat).await, "valhalla");
    }
    assert_eq!(world.osrm.asked().len(), 6, "one of the two has tried");
}

#[tokio::test]
async fn a_refused_question_says_nothing_about_the_server() {
    let world = world();
    world.osrm.now(Does::Refuses);
    for lat in [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] {
        assert_eq!(world.ask_anew(lat).await, "valhalla");
    }
    assert_eq!(world.osrm.asked().len(), 6, "the circuit is closed");
}

#[tokio::test]
async fn what_was_answered_lately_is_not_asked_again() {
    let world = world();
    let (shop, doors) = ([at(60.0), at(60.0)], [at(60.1), at(60.2)]);
    world.ask(&shop, &doors).await;
    assert_eq!(world.osrm.asked(), [(1, 2)], "two orders of one shop are one row");
    assert_eq!(world.ask(&shop, &doors).await.leg(1, 1).unwrap().duration_s, 1);
    assert_eq!(world.osrm.asked(), []);
    world.ask(&[at(60.0), at(59.0)], &doors).await;
    assert_eq!(world.osrm.asked(), [(1, 2)], "only the new courier");
    world.chain.matrix(Profile::Foot, &shop, &doors, NOW).await.unwrap();
    assert_eq!(world.osrm.asked(), [(1, 2)], "somebody else on foot");
    world.clock.advance(SignedDuration::from_mins(15));
    world.ask(&shop, &doors).await;
    assert_eq!(world.osrm.asked(), [(1, 2)], "it is too old");
}

#[tokio::test]
async fn what_is_remembered_is_answered_while_the_server_is_away() {
    let world = world();
    world.ask(&[at(60.0)], &[at(60.1)]).await;
    world.osrm.now(Does::Fails);
    let matrix = world.ask(&[at(60.0)], &[at(60.1), at(60.2)]).await;
    assert_eq!(matrix.source, "osrm+valhalla");
    let seconds = [0, 1].map(|column| matrix.leg(0, column).unwrap().duration_s);
    assert_eq!((seconds, world.valhalla.asked()), ([1, 2], vec![(1, 1)]));
}

#[tokio::test]
async fn a_source_that_looks_at_the_time_is_remembered_for_its_hour() {
    let mapbox = Played::saying(3);
    let clock = Arc::new(ManualClock::at(NOW));
    let chain = Chain::new(vec![Provider::remote("mapbox", Arc::clone(&mapbox), clock, true)]);
    for leaving in [0, 3_599, 3_600] {
        let leaving = Timestamp::from_second(leaving).unwrap();
        chain.matrix(Profile::Car, &[at(1.0)], &[at(2.0)], leaving).await.unwrap();
    }
    assert_eq!(mapbox.asked().len(), 2);
}

#[test]
fn failures_and_answers_are_counted_by_source() {
    let (shown, recorder) = Metrics::local().unwrap();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = world();
            world.ask_anew(1.0).await;
            world.osrm.now(Does::Fails);
            for lat in [2.0, 3.0, 4.0, 5.0, 6.0, 7.0] {
                world.ask_anew(lat).await;
            }
        });
    });
    let text = shown.render();
    for line in [
        "# HELP dropmate_travel_times_failures_total Questions for travel times",
        "dropmate_travel_times_failures_total{source=\"osrm\"} 5",
        "dropmate_travel_times_answers_total{source=\"osrm\"} 1",
        "dropmate_travel_times_answers_total{source=\"valhalla\"} 6",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(
        !text.contains("dropmate_travel_times_answers_total{source=\"straight_line\"}"),
        "it was not asked"
    );
}
