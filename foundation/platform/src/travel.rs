//! Where travel times come from: a trait with one question, which own roads, other routing servers and the straight line
//! answer. Every answer names its source.
//!
//! - [`Chain`] asks several of them in an order: what one does not know, the next is asked for.
//! - [`Endpoint`] is a routing server on the network; [`tables`] divides a question into requests that it accepts, so that an
//!   adapter has to know one request only.
//!
//! `None` in an answer means "not known here": no road nearby, no way, or no roads for this profile.

mod breaker;
mod chain;
mod endpoint;
mod grid;
mod known;
mod pairs;
mod rows;
pub mod tables;

use std::ops::Range;
use std::sync::Arc;

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Matrix, Profile, RoadWay, StraightLine};

use crate::Result;
use crate::db::BoxFuture;

pub use chain::{Chain, Provider};
pub use endpoint::{Answer, Endpoint, EndpointError};

/// Takes a part of an answer: its rows, its columns, and what is known of them, row by row.
pub type Keep<'a> = dyn FnMut(Range<usize>, Range<usize>, &[Option<Leg>]) + Send + 'a;

/// Answers how long it takes from here to there.
pub trait TravelTimes: Send + Sync + std::fmt::Debug {
    /// From every origin to every destination, for who leaves at this moment.
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Matrix>>;

    /// The same, told part by part as it comes. What was told is an answer also when an error follows, or when nobody waits
    /// for the end: a slow server then has to be asked for the rest only.
    fn parts<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
        keep: &'a mut Keep<'_>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (rows, columns) = (origins.len(), destinations.len());
            let matrix = self.matrix(profile, origins, destinations, leaving).await?;
            keep(0..rows, 0..columns, &legs(&matrix, rows, columns));
            Ok(())
        })
    }

    /// The ways from each place to the next, as far as this source knows roads: one for each pair of neighbours.
    fn ways<'a>(
        &'a self,
        _profile: Profile,
        places: &'a [Position],
        _leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Option<RoadWay>>>> {
        Box::pin(std::future::ready(Ok(vec![None; places.len().saturating_sub(1)])))
    }
}

/// Row by row. What is missing in an answer of the wrong size is not known.
fn legs(matrix: &Matrix, rows: usize, columns: usize) -> Vec<Option<Leg>> {
    (0..rows).flat_map(|row| (0..columns).map(move |column| matrix.leg(row, column))).collect()
}

impl<T: TravelTimes + ?Sized> TravelTimes for Arc<T> {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Matrix>> {
        (**self).matrix(profile, origins, destinations, leaving)
    }

    fn parts<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
        keep: &'a mut Keep<'_>,
    ) -> BoxFuture<'a, Result<()>> {
        (**self).parts(profile, origins, destinations, leaving, keep)
    }

    fn ways<'a>(
        &'a self,
        profile: Profile,
        places: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Option<RoadWay>>>> {
        (**self).ways(profile, places, leaving)
    }
}

/// The straight line times a detour: what there is without roads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Straight {
    /// The same line for everybody; `None`: the usual ones of each profile.
    pub line: Option<StraightLine>,
}

impl TravelTimes for Straight {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        _leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Matrix>> {
        let line = self.line.unwrap_or_else(|| StraightLine::usual(profile));
        let leg = |from: usize, to: usize| Some(line.leg(*origins.get(from)?, *destinations.get(to)?));
        let matrix = Matrix::fill(origins.len(), destinations.len(), StraightLine::SOURCE, leg);
        Box::pin(std::future::ready(Ok(matrix)))
    }
}
