//! From one request that a routing server answers to travel times: whoever implements [`TableServer`] is a source of them.
//!
//! Questions that are larger than a server accepts are divided into requests, and put together again. What a server refuses
//! because of single places is asked for without them (`asker`). Both the number of requests and of those at a time are
//! limited.

mod asker;

use std::ops::Range;

use futures::stream::{FuturesUnordered, StreamExt};
use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Matrix, Profile};

use self::asker::Asker;
use super::endpoint::{malformed, refused};
pub use super::grid::{Rectangle, rectangles};
pub use super::rows::{NEAR_ROAD_M, Rows, leg, query};
use super::{Keep, TravelTimes};
use crate::db::BoxFuture;
use crate::{Error, Result};

/// Requests at a time for one question.
const AT_ONCE: usize = 4;

/// What a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Origins and destinations of one request together; at least 2.
    pub coordinates: usize,
    /// Requests for one question: more are refused before the first is sent.
    pub requests: usize,
}

/// Why one request has no table.
#[derive(Debug)]
pub enum TableError {
    /// One of its places has no road nearby, or there is no way between some of them because they are too far apart.
    NoRoad,
    /// Anything else.
    Failed(Error),
}

impl From<Error> for TableError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl TableError {
    /// The server refuses this question, for this reason. Its own words are not taken over: they may repeat what was asked.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Failed(refused(why))
    }

    /// The answer is not what the protocol says.
    pub fn malformed(why: impl Into<String>) -> Self {
        Self::Failed(malformed(why))
    }
}

/// The answer to one request, row by row.
pub type Table = Vec<Option<Leg>>;

/// A server that answers tables.
pub trait TableServer: Send + Sync + std::fmt::Debug {
    /// The word that names it as a source.
    fn source(&self) -> &'static str;

    /// What it accepts for this profile; `None`: it has no roads for it.
    fn limits(&self, profile: Profile) -> Option<Limits>;

    /// One request. Both lists have at least one place, and together not more than the limit.
    fn table<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Table, TableError>>;

    /// Some places with roads, as far as the server says where it has any: for whoever tries it and knows no place. Not each
    /// of them need be on a road that leads to the others.
    fn somewhere(&self) -> BoxFuture<'_, Result<Vec<Position>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// Asks as often as it takes.
impl<T: TableServer + ?Sized> TravelTimes for T {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Matrix>> {
        Box::pin(async move {
            let width = destinations.len();
            let mut all = vec![None; origins.len() * width];
            let mut keep = |rows: Range<usize>, columns: Range<usize>, legs: &[Option<Leg>]| {
                let cells = rows.flat_map(|row| columns.clone().map(move |column| row * width + column));
                cells.zip(legs).for_each(|(cell, leg)| all[cell] = *leg);
            };
            self.parts(profile, origins, destinations, leaving, &mut keep).await?;
            Ok(Matrix::fill(origins.len(), width, self.source(), |from, to| all[from * width + to]))
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
        Box::pin(ask(self, profile, origins, destinations, leaving, keep))
    }
}

async fn ask<T: TableServer + ?Sized>(
    server: &T,
    profile: Profile,
    origins: &[Position],
    destinations: &[Position],
    leaving: Timestamp,
    keep: &mut Keep<'_>,
) -> Result<()> {
    let (rows, columns) = (origins.len(), destinations.len());
    let Some(limits) = server.limits(profile) else {
        keep(0..rows, 0..columns, &vec![None; rows * columns]);
        return Ok(());
    };
    let mut waiting = divided(rows, columns, limits.coordinates);
    if waiting.len() > limits.requests {
        return Err(refused(format!(
            "{} pairs would take {} requests; {} are sent for one question",
            rows * columns,
            waiting.len(),
            limits.requests
        )));
    }
    let asker = Asker::new(server, profile, leaving, limits.requests);
    let asker = &asker;
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(part) = waiting.pop()
        {
            let (from, to) = (&origins[part.rows()], &destinations[part.columns()]);
            running.push(async move { (part, asker.known(from, to).await) });
        }
        let Some((part, table)) = running.next().await else { return Ok(()) };
        let table = table?;
        part.check(&table)?;
        keep(part.rows(), part.columns(), &table);
    }
}

/// Part of a question: first row and column, number of rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    row: usize,
    column: usize,
    height: usize,
    width: usize,
}

impl Part {
    fn rows(&self) -> Range<usize> {
        self.row..self.row + self.height
    }

    fn columns(&self) -> Range<usize> {
        self.column..self.column + self.width
    }

    fn check(&self, table: &[Option<Leg>]) -> Result<()> {
        if table.len() == self.height * self.width {
            return Ok(());
        }
        let (height, width, found) = (self.height, self.width, table.len());
        Err(malformed(format!("{height} x {width} pairs were asked for, and {found} came")))
    }
}

/// As few parts as a limit on rows and columns together needs.
fn divided(rows: usize, columns: usize, limit: usize) -> Vec<Part> {
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let half = (limit / 2).max(1);
    let height = rows.min(half.max(limit.saturating_sub(columns)));
    let width = columns.min(limit.saturating_sub(height).max(1));
    let mut parts = Vec::new();
    for row in (0..rows).step_by(height) {
        for column in (0..columns).step_by(width) {
            let (height, width) = (height.min(rows - row), width.min(columns - column));
            parts.push(Part { row, column, height, width });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_question_that_fits_is_one_request_and_long_rows_stay_long() {
        assert_eq!(divided(50, 50, 100).len(), 1);
        assert_eq!(divided(1, 99, 100).len(), 1);
        assert_eq!(divided(99, 1, 100).len(), 1);
        assert_eq!(divided(1, 198, 100).len(), 2);
        assert_eq!(divided(100, 100, 100).len(), 4);
        assert_eq!(divided(12, 13, 25).len(), 1);
        assert_eq!(divided(0, 5, 100), []);
    }

    proptest! {
        #[test]
        fn parts_keep_the_limit_and_cover_each_pair_once(rows in 0..70_usize, columns in 0..70_usize, limit in 2..40_usize) {
            let parts = divided(rows, columns, limit);
            let mut seen = vec![0_u8; rows * columns];
            for part in &parts {
                prop_assert!(part.height + part.width <= limit);
                for cell in part.rows().flat_map(|row| part.columns().map(move |column| row * columns + column)) {
                    seen[cell] += 1;
                }
            }
            prop_assert!(seen.iter().all(|times| *times == 1));
        }
    }

    /// Knows no place on the southern half of the earth, and refuses requests with one.
    #[derive(Debug, Default)]
    struct North {
        requests: Mutex<usize>,
    }

    impl TableServer for North {
        fn source(&self) -> &'static str {
            "north"
        }

        fn limits(&self, profile: Profile) -> Option<Limits> {
            (profile == Profile::Car).then_some(Limits { coordinates: 10, requests: 40 })
        }

        fn table<'a>(
            &'a self,
            _profile: Profile,
            origins: &'a [Position],
            destinations: &'a [Position],
            _leaving: Timestamp,
        ) -> BoxFuture<'a, Result<Table, TableError>> {
            *self.requests.lock().unwrap() += 1;
            let south = origins.iter().chain(destinations).any(|place| place.lat() < 0.0);
            let pairs = origins.iter().flat_map(|from| destinations.iter().map(move |to| (from, to)));
            let legs = pairs.map(|(from, to)| leg(Some(from.distance_m(*to)), Some(1.0)));
            let answer = if south { Err(TableError::NoRoad) } else { legs.collect() };
            Box::pin(std::future::ready(answer))
        }
    }

    fn places(lats: &[f64]) -> Vec<Position> {
        lats.iter().map(|lat| Position::new(*lat, 10.0).unwrap()).collect()
    }

    async fn ask(server: &North, profile: Profile, from: &[Position], to: &[Position]) -> Result<Matrix> {
        server.matrix(profile, from, to, Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn one_place_without_a_road_costs_the_others_nothing() {
        let (server, mut from, to) = (North::default(), places(&[0.0, 0.1, 0.2, 0.3]), places(&[0.5; 12]));
        from[2] = Position::new(-1.0, 10.0).unwrap();
        let answer = ask(&server, Profile::Car, &from, &to).await.unwrap();
        for (row, column) in (0..4).flat_map(|row| (0..12).map(move |column| (row, column))) {
            assert_eq!(answer.leg(row, column).is_some(), row != 2, "{row}, {column}");
        }
        assert_ne!(answer.leg(0, 0), answer.leg(1, 0), "rows stay in their order");
        let sent = *server.requests.lock().unwrap();
        assert_eq!(sent, 8, "for each of two parts: one, two to find the place, one without it");
    }

    #[tokio::test]
    async fn a_question_that_would_take_too_many_requests_is_refused_before_the_first() {
        let server = North::default();
        let many = places(&[0.0; 60]);
        let error = ask(&server, Profile::Car, &many, &many).await.unwrap_err();
        assert_eq!(error.kind(), crate::Kind::Invalid);
        assert_eq!(*server.requests.lock().unwrap(), 0);
        // With bad places it may turn out only later.
        let south = places(&[-1.0; 20]);
        let error = ask(&server, Profile::Car, &south, &south).await.unwrap_err();
        assert!(error.chain().contains("no road nearby"), "{}", error.chain());
        let sent = *server.requests.lock().unwrap();
        assert!((30..=40).contains(&sent), "{sent}");
    }

    #[tokio::test]
    async fn without_roads_for_a_profile_nobody_is_asked_and_nothing_is_known() {
        let server = North::default();
        let answer = ask(&server, Profile::Foot, &places(&[1.0]), &places(&[2.0])).await.unwrap();
        assert_eq!((answer.leg(0, 0), answer.source.as_str()), (None, "north"));
        assert_eq!(*server.requests.lock().unwrap(), 0);
    }
}
