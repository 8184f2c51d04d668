//! Questions that are larger than a routing server accepts: divided into requests, and put together again.
//!
//! A server may refuse a whole request because **one** place has no road nearby, without saying which. Then halves of the
//! places are tried until it stands alone, and the request is made again without it: the others keep their answers. Both the
//! number of requests and of those at a time are limited.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::{FuturesUnordered, StreamExt};
use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Matrix, Profile};

use super::endpoint::{malformed, refused};
pub use super::rows::{NEAR_ROAD_M, Rows, leg, query};
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
    /// One of its places has no road nearby.
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
}

/// Asks a server as often as it takes.
pub async fn matrix(
    server: &dyn TableServer,
    profile: Profile,
    origins: &[Position],
    destinations: &[Position],
    leaving: Timestamp,
) -> Result<Matrix> {
    let (rows, width) = (origins.len(), destinations.len());
    let mut legs = vec![None; rows * width];
    if let Some(limits) = server.limits(profile) {
        let mut waiting = parts(rows, width, limits.coordinates);
        if waiting.len() > limits.requests {
            return Err(refused(format!(
                "{} pairs would take {} requests; {} are sent for one question",
                legs.len(),
                waiting.len(),
                limits.requests
            )));
        }
        let asker = Asker { server, profile, leaving, left: AtomicUsize::new(limits.requests) };
        let asker = &asker;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(part) = waiting.pop()
            {
                let (from, to) = (&origins[part.rows()], &destinations[part.columns()]);
                running.push(async move { (part, asker.known(from, to).await) });
            }
            let Some((part, table)) = running.next().await else { break };
            part.fill(&mut legs, width, table?)?;
        }
    }
    Ok(Matrix::fill(rows, width, server.source(), |from, to| legs[from * width + to]))
}

/// One question to one server, and how many requests are left for it.
struct Asker<'a> {
    server: &'a dyn TableServer,
    profile: Profile,
    leaving: Timestamp,
    left: AtomicUsize,
}

impl Asker<'_> {
    async fn request(&self, from: &[Position], to: &[Position]) -> Result<Table, TableError> {
        let take = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(TableError::refused("too many of the places have no road nearby"));
        }
        self.server.table(self.profile, from, to, self.leaving).await
    }

    /// The table of these places, without those that have no road nearby.
    async fn known(&self, from: &[Position], to: &[Position]) -> Result<Table> {
        let nothing = || vec![None; from.len() * to.len()];
        match self.request(from, to).await {
            Ok(table) => return Ok(table),
            Err(TableError::Failed(error)) => return Err(error),
            Err(TableError::NoRoad) => {}
        }
        let places: Vec<Position> = from.iter().chain(to).copied().collect();
        let near = self.near_roads(&places).await?;
        let (rows, columns) = near.split_at(from.len());
        let good = |places: &[Position], near: &[bool]| -> Vec<Position> {
            places.iter().zip(near).filter(|(_, near)| **near).map(|(place, _)| *place).collect()
        };
        let (origins, destinations) = (good(from, rows), good(to, columns));
        // Each place by itself is near a road: then it is the pairs that it refuses, and none of them is known.
        if near.iter().all(|near| *near) || origins.is_empty() || destinations.is_empty() {
            return Ok(nothing());
        }
        let expected = origins.len() * destinations.len();
        let found = match self.request(&origins, &destinations).await {
            Ok(table) if table.len() == expected => table,
            Ok(_) => return Err(malformed("it is not a table of the places that were asked for")),
            Err(TableError::NoRoad) => return Ok(nothing()),
            Err(TableError::Failed(error)) => return Err(error),
        };
        let mut found = found.into_iter();
        let cells = rows.iter().flat_map(|row| columns.iter().map(move |column| *row && *column));
        Ok(cells.map(|is_known| if is_known { found.next().flatten() } else { None }).collect())
    }

    /// Which of the places the server accepts, by trying halves of them, and halves of those that it refuses.
    async fn near_roads(&self, places: &[Position]) -> Result<Vec<bool>> {
        let mut near = vec![true; places.len()];
        let mut open = Vec::from(halves(&(0..places.len())));
        while let Some(range) = open.pop() {
            let some = &places[range.clone()];
            match self.request(some, &some[..1]).await {
                Ok(_) => {}
                Err(TableError::NoRoad) if range.len() == 1 => near[range.start] = false,
                Err(TableError::NoRoad) => open.extend(halves(&range)),
                Err(TableError::Failed(error)) => return Err(error),
            }
        }
        Ok(near)
    }
}

/// Two ranges of about the same length; of two or more.
fn halves(range: &Range<usize>) -> [Range<usize>; 2] {
    let middle = range.start + range.len() / 2;
    [range.start..middle, middle..range.end]
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

    fn fill(&self, legs: &mut [Option<Leg>], width: usize, table: Table) -> Result<()> {
        if table.len() != self.height * self.width {
            return Err(malformed(format!(
                "{} x {} pairs were asked for, and {} came",
                self.height,
                self.width,
                table.len()
            )));
        }
        let cells = self.rows().flat_map(|row| self.columns().map(move |column| row * width + column));
        cells.zip(table).for_each(|(cell, leg)| legs[cell] = leg);
        Ok(())
    }
}

/// As few parts as a limit on rows and columns together needs.
fn parts(rows: usize, columns: usize, limit: usize) -> Vec<Part> {
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
        assert_eq!(parts(50, 50, 100).len(), 1);
        assert_eq!(parts(1, 99, 100).len(), 1);
        assert_eq!(parts(99, 1, 100).len(), 1);
        assert_eq!(parts(1, 198, 100).len(), 2);
        assert_eq!(parts(100, 100, 100).len(), 4);
        assert_eq!(parts(12, 13, 25).len(), 1);
        assert_eq!(parts(0, 5, 100), []);
    }

    proptest! {
        #[test]
        fn parts_keep_the_limit_and_cover_each_pair_once(rows in 0..70_usize, columns in 0..70_usize, limit in 2..40_usize) {
            let parts = parts(rows, columns, limit);
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
        matrix(server, profile, from, to, Timestamp::UNIX_EPOCH).await
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
        assert_eq!(sent, 16, "for each of two parts: one, six to find the place, one without it");
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
