//! Requests that are refused because of single places.
//!
//! A server may refuse a whole request because **one** place has no road nearby, or because some of the places are too far from
//! each other, without saying which (Valhalla 3.9 has one code for both). Then groups of places that it accepts are looked for,
//! first by the widest gap between them, then by halves: what stands alone is left out, and the request is made again without
//! it. Where the rest is refused again, or nothing stands alone, there is no way between the groups, and each has its own
//! answer: two towns of one organisation, or a courier who is on holiday with the phone switched on.

use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Profile};

use super::{Table, TableError, TableServer};
use crate::Result;
use crate::travel::endpoint::malformed;

/// A gap between places that parts them before halves are tried, in metres: more than within a town.
const GAP_M: f64 = 10_000.0;

/// One question to one server, and how many requests are left for it.
pub(super) struct Asker<'a, T: ?Sized> {
    server: &'a T,
    profile: Profile,
    leaving: Timestamp,
    left: AtomicUsize,
}

impl<'a, T: TableServer + ?Sized> Asker<'a, T> {
    pub(super) fn new(server: &'a T, profile: Profile, leaving: Timestamp, requests: usize) -> Self {
        Self { server, profile, leaving, left: AtomicUsize::new(requests) }
    }

    async fn request(&self, from: &[Position], to: &[Position]) -> Result<Table, TableError> {
        let take = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(TableError::refused("too many of the places have no road nearby"));
        }
        self.server.table(self.profile, from, to, self.leaving).await
    }

    /// The table of these places; nothing is known of those that have no road nearby.
    pub(super) async fn known(&self, from: &[Position], to: &[Position]) -> Result<Table> {
        match self.request(from, to).await {
            Ok(table) => return Ok(table),
            Err(TableError::Failed(error)) => return Err(error),
            Err(TableError::NoRoad) => {}
        }
        let places: Vec<Position> = from.iter().chain(to).copied().collect();
        let regions = self.accepted(&places).await?;
        let mut answer =
            Answer { rows: from.len(), columns: to.len(), legs: vec![None; from.len() * to.len()] };
        let together = merged(regions.iter().flatten());
        let some_stood_alone = together.len() < places.len();
        if some_stood_alone && self.add(&mut answer, &places, &together).await? {
            return Ok(answer.legs);
        }
        for groups in &regions {
            let region = merged(groups);
            let was_refused = region.len() == together.len();
            if !was_refused && self.add(&mut answer, &places, &region).await? {
                continue;
            }
            for group in groups {
                self.add(&mut answer, &places, group).await?;
            }
        }
        Ok(answer.legs)
    }

    /// Asks for the pairs among some places, by their numbers. Says whether they were accepted.
    async fn add(&self, answer: &mut Answer, places: &[Position], some: &[usize]) -> Result<bool> {
        let (rows, columns): (Vec<usize>, Vec<usize>) =
            some.iter().partition(|number| **number < answer.rows);
        if rows.is_empty() || columns.is_empty() {
            return Ok(true);
        }
        let of =
            |numbers: &[usize]| -> Vec<Position> { numbers.iter().map(|number| places[*number]).collect() };
        let table = match self.request(&of(&rows), &of(&columns)).await {
            Ok(table) => table,
            Err(TableError::NoRoad) => return Ok(false),
            Err(TableError::Failed(error)) => return Err(error),
        };
        if table.len() != rows.len() * columns.len() {
            return Err(malformed("it is not a table of the places that were asked for"));
        }
        let (all, first) = (answer.columns, answer.rows);
        let cells = rows.iter().flat_map(|row| columns.iter().map(move |column| row * all + column - first));
        cells.zip(table).for_each(|(cell, leg)| answer.legs[cell] = leg);
        Ok(true)
    }

    /// Groups of places that the server accepts together, by their numbers, those between which there is no wide gap as one
    /// list. Who is in none of them has no road nearby.
    async fn accepted(&self, places: &[Position]) -> Result<Vec<Vec<Vec<usize>>>> {
        let mut regions = vec![Vec::new()];
        let mut open = Vec::new();
        let all: Vec<usize> = (0..places.len()).collect();
        apart(all, 0, places, &mut regions, &mut open);
        while let Some((region, group)) = open.pop() {
            let some: Vec<Position> = group.iter().map(|number| places[*number]).collect();
            match self.request(&some, &some[..1]).await {
                Ok(_) => regions[region].push(group),
                Err(TableError::NoRoad) if group.len() == 1 => {}
                Err(TableError::NoRoad) => apart(group, region, places, &mut regions, &mut open),
                Err(TableError::Failed(error)) => return Err(error),
            }
        }
        regions.retain(|groups| !groups.is_empty());
        Ok(regions)
    }
}

/// Cuts a group of a region that was refused, and opens what it is cut into: regions of their own where there is a gap.
fn apart(
    group: Vec<usize>,
    region: usize,
    places: &[Position],
    regions: &mut Vec<Vec<Vec<usize>>>,
    open: &mut Vec<(usize, Vec<usize>)>,
) {
    let (parts, is_gap) = cut(group, places);
    for part in parts {
        if is_gap {
            regions.push(Vec::new());
        }
        open.push((if is_gap { regions.len() - 1 } else { region }, part));
    }
}

/// All of several groups, in order.
fn merged<'a>(groups: impl IntoIterator<Item = &'a Vec<usize>>) -> Vec<usize> {
    let mut all: Vec<usize> = groups.into_iter().flatten().copied().collect();
    all.sort_unstable();
    all
}

/// What is known of a request.
struct Answer {
    rows: usize,
    columns: usize,
    legs: Vec<Option<Leg>>,
}

/// Two groups of two or more places: on both sides of the widest gap from west to east or from south to north, or, where all
/// are close to each other, halves. Says whether there is a gap.
fn cut(mut group: Vec<usize>, places: &[Position]) -> ([Vec<usize>; 2], bool) {
    let place = |number: usize| places[number];
    let mut widest = (GAP_M, None);
    for by_lat in [false, true] {
        let degrees = |number: usize| if by_lat { place(number).lat() } else { place(number).lon() };
        group.sort_by(|a, b| degrees(*a).total_cmp(&degrees(*b)));
        for (at, pair) in group.windows(2).enumerate() {
            let (here, there) = (place(pair[0]), place(pair[1]));
            let gap_m = across_m(here, there, by_lat);
            if gap_m > widest.0 {
                widest = (gap_m, Some((by_lat, at + 1)));
            }
        }
    }
    // By latitude it is sorted already.
    if let Some((false, _)) = widest.1 {
        group.sort_by(|a, b| place(*a).lon().total_cmp(&place(*b).lon()));
    }
    let rest = group.split_off(widest.1.map_or(group.len() / 2, |(_, at)| at));
    ([group, rest], widest.1.is_some())
}

/// How far apart two places are in one direction, in metres.
fn across_m(here: Position, there: Position, by_lat: bool) -> f64 {
    let (lat, lon) = if by_lat { (there.lat(), here.lon()) } else { (here.lat(), there.lon()) };
    Position::new(lat, lon).map_or(0.0, |corner| here.distance_m(corner))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::db::BoxFuture;
    use crate::travel::tables::{Limits, leg};

    /// Two islands, west and east of 10 degrees, with sea north of 50 degrees: refuses what is not on one of them.
    #[derive(Debug, Default)]
    struct Islands {
        requests: Mutex<usize>,
    }

    impl TableServer for Islands {
        fn source(&self) -> &'static str {
            "islands"
        }

        fn limits(&self, _profile: Profile) -> Option<Limits> {
            Some(Limits { coordinates: 100, requests: 64 })
        }

        fn table<'a>(
            &'a self,
            _profile: Profile,
            origins: &'a [Position],
            destinations: &'a [Position],
            _leaving: Timestamp,
        ) -> BoxFuture<'a, Result<Table, TableError>> {
            *self.requests.lock().unwrap() += 1;
            let all = || origins.iter().chain(destinations);
            let is_east = origins[0].lon() > 10.0;
            let answer = if all().any(|place| place.lat() > 50.0 || (place.lon() > 10.0) != is_east) {
                Err(TableError::NoRoad)
            } else {
                let pairs = origins.iter().flat_map(|from| destinations.iter().map(move |to| (from, to)));
                pairs.map(|(from, to)| leg(Some(from.distance_m(*to)), Some(1.0))).collect()
            };
            Box::pin(std::future::ready(answer))
        }
    }

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    /// Which pairs are known, and with how many requests.
    async fn known(places: &[Position]) -> (Vec<Vec<bool>>, usize) {
        let server = Islands::default();
        let table =
            Asker::new(&server, Profile::Car, Timestamp::UNIX_EPOCH, 64).known(places, places).await.unwrap();
        for (row, column) in
            (0..places.len()).flat_map(|row| (0..places.len()).map(move |column| (row, column)))
        {
            let Some(leg) = table[row * places.len() + column] else { continue };
            assert!(
                (f64::from(leg.duration_s) - places[row].distance_m(places[column])).abs() < 1.0,
                "{row}, {column}"
            );
        }
        let rows = table.chunks(places.len()).map(|row| row.iter().map(Option::is_some).collect()).collect();
        (rows, *server.requests.lock().unwrap())
    }

    #[tokio::test]
    async fn places_of_two_islands_have_the_ways_on_each_of_them() {
        let places: Vec<_> =
            (0..20).map(|n| at(40.0 + f64::from(n) * 1e-3, if n % 3 == 0 { 9.0 } else { 11.0 })).collect();
        let (found, requests) = known(&places).await;
        for (row, column) in (0..20).flat_map(|row| (0..20).map(move |column| (row, column))) {
            assert_eq!(found[row][column], (row % 3 == 0) == (column % 3 == 0), "{row}, {column}");
        }
        assert_eq!(requests, 5, "one, one for each island to see that, one for each island");
    }

    #[tokio::test]
    async fn who_is_far_away_and_who_is_in_the_water_costs_the_others_nothing() {
        let mut places: Vec<_> = (0..20).map(|n| at(49.99 + f64::from(n) * 1e-5, 9.0)).collect();
        // The first is on the other island, the third some kilometres out at sea.
        (places[0], places[2]) = (at(-10.0, 120.0), at(50.01, 9.0));
        let (found, requests) = known(&places).await;
        for (row, column) in (0..20).flat_map(|row| (0..20).map(move |column| (row, column))) {
            let is_known = ![row, column].contains(&2) && (row == 0) == (column == 0);
            assert_eq!(found[row][column], is_known, "{row}, {column}");
        }
        assert!(requests < 25, "{requests}");
    }

    #[test]
    fn a_wide_gap_parts_places_and_close_ones_are_halved() {
        let towns = [at(49.4, 8.7), at(48.8, 9.2), at(49.41, 8.71), at(48.81, 9.21)];
        assert_eq!(cut(vec![0, 1, 2, 3], &towns), ([vec![1, 3], vec![0, 2]], true), "south and north");
        let doors = [at(49.4, 8.7), at(49.401, 8.703), at(49.402, 8.702), at(49.403, 8.701)];
        assert_eq!(cut(vec![0, 1, 2, 3], &doors), ([vec![0, 1], vec![2, 3]], false));
        assert_eq!(cut(vec![0, 1], &[at(1.0, 1.0); 2]), ([vec![0], vec![1]], false));
    }
}
