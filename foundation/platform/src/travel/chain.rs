//! Sources of travel times in an order: what the first does not know, the next is asked for.
//!
//! - A source that fails (an error, no answer in time, an open circuit) knows nothing for the moment.
//! - A source that answers in part (a place beyond its map) leaves the other pairs to the next; only these are asked for.
//! - The answer names everybody who had a part in it, in the order of the chain: `roads`, `osrm`, `roads+straight_line`.
//!
//! A source in this process ([`Provider::near`]) is asked as it is. One over the network ([`Provider::remote`]) has
//! [`PATIENCE`], a circuit breaker and a memory of pairs, which also answers while the server is away.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::geo::Position;
use kernel::time::{SharedClock, Timestamp};
use kernel::travel::{Leg, Matrix, Profile, RoadWay};

use super::TravelTimes;
use super::breaker::Breaker;
use super::grid::rectangles;
use super::known::Known;
use super::pairs::Pairs;
use crate::db::BoxFuture;
use crate::telemetry::metrics::{TRAVEL_TIMES_ANSWERS, TRAVEL_TIMES_FAILURES};
use crate::{Error, Kind, Result};

/// How long a question may take a server on the network, all its requests together. Dispatch and quotes wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// One question.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    profile: Profile,
    origins: &'a [Position],
    destinations: &'a [Position],
    leaving: Timestamp,
}

impl Question<'_> {
    async fn put_to(&self, times: &dyn TravelTimes) -> Result<Matrix> {
        times.matrix(self.profile, self.origins, self.destinations, self.leaving).await
    }
}

/// What a source said, row by row, and why it did not say more.
struct Said {
    legs: Vec<Option<Leg>>,
    failure: Option<Failure>,
}

enum Failure {
    /// It was asked.
    Asked(Error),
    /// It was left alone.
    Open,
}

/// One source of a chain.
#[derive(Debug)]
pub struct Provider {
    name: &'static str,
    times: Arc<dyn TravelTimes>,
    remote: Option<Remote>,
}

/// What a source over the network needs besides.
#[derive(Debug)]
struct Remote {
    breaker: Breaker,
    pairs: Pairs,
}

impl Provider {
    /// A source in this process.
    pub fn near(name: &'static str, times: impl TravelTimes + 'static) -> Self {
        Self { name, times: Arc::new(times), remote: None }
    }

    /// A server on the network. `by_hour`: its answers depend on when somebody leaves, so that they are remembered for
    /// that hour of the week only.
    pub fn remote(
        name: &'static str,
        times: impl TravelTimes + 'static,
        clock: SharedClock,
        by_hour: bool,
    ) -> Self {
        let remote = Remote { breaker: Breaker::new(Arc::clone(&clock)), pairs: Pairs::new(clock, by_hour) };
        Self { name, times: Arc::new(times), remote: Some(remote) }
    }

    /// The word that names it in answers.
    pub fn name(&self) -> &'static str {
        self.name
    }

    async fn ask(&self, question: &Question<'_>) -> Said {
        if let Some(remote) = &self.remote {
            return remote.ask(&*self.times, question).await;
        }
        let (rows, columns) = (question.origins.len(), question.destinations.len());
        match question.put_to(&*self.times).await {
            Ok(matrix) => Said { legs: super::legs(&matrix, rows, columns), failure: None },
            Err(error) => Said { legs: vec![None; rows * columns], failure: Some(Failure::Asked(error)) },
        }
    }
}

impl Remote {
    /// Answers from memory, and asks for the rest.
    async fn ask(&self, times: &dyn TravelTimes, question: &Question<'_>) -> Said {
        let journey = self.pairs.journey(question.profile, question.leaving);
        let mut known = Known::look(&self.pairs, journey, question.origins, question.destinations);
        let open = known.open();
        if open.is_empty() {
            return Said { legs: known.legs(), failure: None };
        }
        let told = AtomicBool::new(false);
        let asking = async {
            for part in &open {
                let (origins, destinations) = known.places(part);
                let mut keep = |rows: Range<usize>, columns: Range<usize>, legs: &[Option<Leg>]| {
                    told.store(true, Ordering::Relaxed);
                    known.learn(part, rows, columns, legs);
                };
                times.parts(question.profile, &origins, &destinations, question.leaving, &mut keep).await?;
            }
            Ok(())
        };
        let failure = self.guard(asking, &told).await;
        Said { legs: known.legs(), failure }
    }

    /// Lets it happen in time and behind the breaker. `told`: a part of the answer came.
    async fn guard(&self, asking: impl Future<Output = Result<()>>, told: &AtomicBool) -> Option<Failure> {
        let Some(permit) = self.breaker.admit() else { return Some(Failure::Open) };
        let late = || {
            let text = format!("no answer within {} s", PATIENCE.as_secs());
            Error::new(Kind::Timeout, "timeout", "The routing server took too long.").with_source(text)
        };
        let answer = tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_elapsed| Err(late()));
        let Err(error) = answer else {
            permit.succeeded();
            return None;
        };
        // A question that it refuses says nothing about whether it works, and whoever is slow with a large one does work: the
        // part that came is remembered, and the next time the rest is asked for.
        let is_slow = error.kind() == Kind::Timeout && told.load(Ordering::Relaxed);
        if is_slow || error.kind() == Kind::Invalid {
            permit.succeeded();
        } else {
            permit.failed();
        }
        Some(Failure::Asked(error))
    }
}

/// Sources in their order.
#[derive(Debug)]
pub struct Chain {
    providers: Vec<Provider>,
}

impl Chain {
    /// The first is asked first.
    pub fn new(providers: Vec<Provider>) -> Self {
        Self { providers }
    }

    /// The names of its sources, in their order.
    pub fn names(&self) -> Vec<&'static str> {
        self.providers.iter().map(Provider::name).collect()
    }

    async fn answer(&self, question: Question<'_>) -> Result<Matrix> {
        let mut answer = Answer::to(&question);
        let mut failure = None;
        for provider in &self.providers {
            match answer.add(provider, &question).await {
                None => {}
                Some(Failure::Open) => {
                    failure.get_or_insert_with(|| Error::unavailable("routing server"));
                }
                Some(Failure::Asked(error)) => {
                    metrics::counter!(TRAVEL_TIMES_FAILURES, "source" => provider.name).increment(1);
                    tracing::warn!(source = provider.name, cause = %error.chain(), "travel times were not answered");
                    failure = Some(error);
                }
            }
            if answer.is_whole() {
                break;
            }
        }
        match failure {
            Some(error) if answer.asked == 0 => Err(error),
            _ => Ok(answer.into_matrix(self.providers.first().map_or("", Provider::name))),
        }
    }
}

impl TravelTimes for Chain {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Matrix>> {
        Box::pin(self.answer(Question { profile, origins, destinations, leaving }))
    }

    fn ways<'a>(
        &'a self,
        profile: Profile,
        places: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Option<RoadWay>>>> {
        Box::pin(async move {
            let mut ways = vec![None; places.len().saturating_sub(1)];
            for provider in &self.providers {
                if ways.iter().all(Option::is_some) {
                    break;
                }
                match provider.times.ways(profile, places, leaving).await {
                    Ok(known) => {
                        for (way, known) in ways.iter_mut().zip(known) {
                            *way = way.take().or(known);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(cause = error.chain(), source = provider.name, "no ways on roads");
                    }
                }
            }
            Ok(ways)
        })
    }
}

/// The answer as far as it goes.
struct Answer {
    rows: usize,
    columns: usize,
    legs: Vec<Option<Leg>>,
    sources: Vec<&'static str>,
    /// How many sources have answered, with or without a way.
    asked: usize,
}

impl Answer {
    fn to(question: &Question<'_>) -> Self {
        let (rows, columns) = (question.origins.len(), question.destinations.len());
        Self { rows, columns, legs: vec![None; rows * columns], sources: Vec::new(), asked: 0 }
    }

    fn is_whole(&self) -> bool {
        self.legs.iter().all(Option::is_some)
    }

    /// Asks for what is open, and says what went wrong.
    async fn add(&mut self, provider: &Provider, question: &Question<'_>) -> Option<Failure> {
        let (mut failure, mut useful) = (None, false);
        let width = self.columns;
        for part in rectangles(self.rows, width, |row, column| self.legs[row * width + column].is_none()) {
            let origins: Vec<_> = part.rows.iter().map(|row| question.origins[*row]).collect();
            let destinations: Vec<_> =
                part.columns.iter().map(|column| question.destinations[*column]).collect();
            let part_of = Question { origins: &origins, destinations: &destinations, ..*question };
            let said = provider.ask(&part_of).await;
            let cells = part.rows.iter().flat_map(|row| part.columns.iter().map(move |to| row * width + to));
            for (cell, leg) in cells.zip(said.legs) {
                if let (None, Some(leg)) = (self.legs[cell], leg) {
                    (self.legs[cell], useful) = (Some(leg), true);
                }
            }
            failure = said.failure;
            if failure.is_some() {
                break;
            }
        }
        if useful {
            metrics::counter!(TRAVEL_TIMES_ANSWERS, "source" => provider.name).increment(1);
            self.sources.push(provider.name);
        }
        self.asked += usize::from(useful || failure.is_none());
        failure
    }

    /// Nobody knew a way: then it is the answer of the first.
    fn into_matrix(self, first: &'static str) -> Matrix {
        let source = if self.sources.is_empty() { first.to_owned() } else { self.sources.join("+") };
        let width = self.columns;
        Matrix::fill(self.rows, width, source, |row, column| self.legs[row * width + column])
    }
}
