//! Travel times on the roads of the imported map.
//!
//! The map is opened when somebody asks for the first time, and again when another one was imported. Nothing is known without
//! a map or without the roads of a profile that comes near, and nothing about a place with no road nearby, on an island of the
//! map or beyond it: then whoever comes next in the chain is asked (`crate::travel`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::roads::{Network, Snap, TimeOfWeek};
use jiff::tz::TimeZone;
use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::{Leg, Matrix, Profile, RoadWay};
use mapfolder::Folder;
use osm::Point;
use platform::db::BoxFuture;
use platform::travel::TravelTimes;
use platform::{Error, Result};

/// The word that names it as a source.
pub const SOURCE: &str = "roads";
/// How often is looked whether there is another map.
const LOOK: Duration = Duration::from_secs(5);

/// The roads of the map in a folder.
#[derive(Debug)]
pub struct RoadTravel {
    map: Arc<RoadMap>,
}

/// The map, as far as it is open.
#[derive(Debug)]
struct RoadMap {
    folder: PathBuf,
    zone: Option<TimeZone>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    looked: Option<Instant>,
    folder: Option<Folder>,
    /// What was opened of it; `None`: it has no such roads.
    networks: BTreeMap<&'static str, Option<Network>>,
}

impl RoadTravel {
    /// On the map in this folder, whose local time is that of the zone.
    pub fn new(folder: PathBuf, zone: Option<TimeZone>) -> Self {
        Self { map: Arc::new(RoadMap { folder, zone, state: Mutex::default() }) }
    }
}

impl TravelTimes for RoadTravel {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Matrix>> {
        Box::pin(async move {
            let (map, from, to) = (Arc::clone(&self.map), origins.to_vec(), destinations.to_vec());
            let answer = tokio::task::spawn_blocking(move || map.matrix(profile, &from, &to, leaving));
            let answer =
                answer.await.map_err(|error| Error::internal("the roads of the map").with_source(error))?;
            answer.map_err(|error| Error::unavailable("map").with_source(error))
        })
    }

    fn ways<'a>(
        &'a self,
        profile: Profile,
        places: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Option<RoadWay>>>> {
        Box::pin(async move {
            let (map, places) = (Arc::clone(&self.map), places.to_vec());
            let answer = tokio::task::spawn_blocking(move || map.ways(profile, &places, leaving));
            let answer =
                answer.await.map_err(|error| Error::internal("the roads of the map").with_source(error))?;
            answer.map_err(|error| Error::unavailable("map").with_source(error))
        })
    }
}

impl RoadMap {
    fn matrix(
        &self,
        profile: Profile,
        origins: &[Position],
        destinations: &[Position],
        leaving: Timestamp,
    ) -> Result<Matrix, ::roads::Error> {
        let Some(network) = self.network(profile)? else {
            return Ok(Matrix::fill(origins.len(), destinations.len(), SOURCE, |_from, _to| None));
        };
        let when = self.zone.as_ref().map(|zone| time_of_week(leaving, zone));
        let (origin_snaps, from) = snapped(&network, origins);
        let (destination_snaps, to) = snapped(&network, destinations);
        let found = network.matrix(&origin_snaps, &destination_snaps, when)?;
        let leg = |o: usize, d: usize| {
            let (o, d) = (from[o]?, to[d]?);
            let duration_s = found.duration_ms(o, d)?.div_ceil(1_000);
            Some(Leg { duration_s, distance_m: found.distance_dm(o, d)?.div_ceil(10) })
        };
        Ok(Matrix::fill(origins.len(), destinations.len(), SOURCE, leg))
    }

    fn ways(
        &self,
        profile: Profile,
        places: &[Position],
        leaving: Timestamp,
    ) -> Result<Vec<Option<RoadWay>>, ::roads::Error> {
        let Some(network) = self.network(profile)? else {
            return Ok(vec![None; places.len().saturating_sub(1)]);
        };
        let when = self.zone.as_ref().map(|zone| time_of_week(leaving, zone));
        let snaps: Vec<Option<Snap>> =
            places.iter().map(|place| network.snap(point(*place), None).ok()).collect();
        let way = |pair: &[Option<Snap>]| {
            let [Some(from), Some(to)] = pair else { return None };
            let route = network.route_between(from, to, when).ok()?;
            let line = route.geometry.iter().filter_map(|at| Position::new(at.lat(), at.lon()).ok());
            Some(RoadWay { line: line.collect(), class_s: route.class_s })
        };
        Ok(snaps.windows(2).map(way).collect())
    }

    /// The roads of this profile, or of one that comes near.
    fn network(&self, profile: Profile) -> Result<Option<Network>, ::roads::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut state)?;
        let State { folder: Some(folder), networks, .. } = &mut *state else { return Ok(None) };
        for name in alike(profile) {
            if !networks.contains_key(name) {
                let there = Network::is_in(folder, name);
                networks.insert(name, there.then(|| Network::open(folder, name)).transpose()?);
            }
            if let Some(Some(network)) = networks.get(name) {
                return Ok(Some(network.clone()));
            }
        }
        Ok(None)
    }

    /// Opens the map, or the one that has come in its place.
    fn refresh(&self, state: &mut State) -> Result<(), mapfolder::Error> {
        if state.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(());
        }
        state.looked = Some(Instant::now());
        if state.folder.as_ref().is_some_and(Folder::is_current) || !self.folder.exists() {
            return Ok(());
        }
        // The old one stays in use when the new one cannot be opened.
        let folder = Folder::open(&self.folder)?;
        tracing::info!(version = folder.manifest().version, "the map was opened");
        (state.folder, state.networks) = (Some(folder), BTreeMap::new());
        Ok(())
    }
}

/// Who has no roads of their own drives on those of somebody who is as fast.
fn alike(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Car => &["car"],
        Profile::Motorcycle => &["motorcycle", "car"],
        Profile::Bicycle => &["bicycle"],
        Profile::CargoBike => &["cargo_bike", "bicycle"],
        Profile::Foot => &["foot"],
    }
}

fn point(place: Position) -> Point {
    Point::from_degrees(place.lat(), place.lon())
}

/// Places on roads, and which of them belongs to which place that was asked for.
fn snapped(network: &Network, positions: &[Position]) -> (Vec<Snap>, Vec<Option<usize>>) {
    let (mut snaps, mut places) = (Vec::new(), Vec::new());
    for position in positions {
        let snap = network.snap(point(*position), None);
        places.push(snap.is_ok().then_some(snaps.len()));
        snaps.extend(snap.ok());
    }
    (snaps, places)
}

fn time_of_week(at: Timestamp, zone: &TimeZone) -> TimeOfWeek {
    let local = at.to_zoned(zone.clone());
    let unsigned = |value: i8| u8::try_from(value).unwrap_or(0);
    let day = unsigned(local.weekday().to_monday_zero_offset());
    TimeOfWeek::new(day, unsigned(local.hour()), unsigned(local.minute()))
}

#[cfg(test)]
mod tests {
    use kernel::travel::StraightLine;
    use platform::travel::{Chain, Provider, Straight};
    use testkit::conformance::travel::{Case, travel_times};

    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// The map of the demo, with roads for cars.
    fn imported(dir: &std::path::Path) -> PathBuf {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf");
        let data = osm::Data::read(file.as_ref(), &osm::Limits::default(), &mut |_| {}).unwrap();
        let folder = dir.join("map");
        let mut writer = mapfolder::Writer::begin(&folder).unwrap();
        let car = ::roads::Profile::embedded("car").unwrap();
        ::roads::import(&data, &[car], &mut writer, &mut |_| {}).unwrap();
        writer.finish(mapfolder::Source::of(&data, "helsinki.osm.pbf")).unwrap();
        folder
    }

    fn roads(folder: PathBuf) -> RoadTravel {
        RoadTravel::new(folder, Some(TimeZone::UTC))
    }

    /// Roads, then the straight line.
    fn travel(folder: PathBuf) -> Chain {
        Chain::new(vec![
            Provider::near(SOURCE, roads(folder)),
            Provider::near(StraightLine::SOURCE, Straight::default()),
        ])
    }

    #[tokio::test]
    async fn they_are_a_source_of_travel_times_and_so_is_the_straight_line_behind_them() {
        let dir = tempfile::tempdir().unwrap();
        let folder = imported(dir.path());
        let own = roads(folder.clone());
        let case = Case {
            times: &own,
            source: SOURCE,
            centre: at(60.1676, 24.9380),
            profiles: &[Profile::Car, Profile::Motorcycle],
            apart: Some(at(60.2055, 24.6559)),
            large: (60, 50),
        };
        travel_times(&case).await;
        travel_times(&Case { times: &travel(folder), apart: None, ..case }).await;
        let line = Case {
            times: &Straight::default(),
            source: StraightLine::SOURCE,
            profiles: &Profile::ALL,
            apart: None,
            ..case
        };
        travel_times(&line).await;
    }

    #[tokio::test]
    async fn roads_answer_where_there_are_some_and_say_so() {
        let dir = tempfile::tempdir().unwrap();
        let travel = travel(imported(dir.path()));
        let (station, market) = (at(60.1710, 24.9414), at(60.1676, 24.9520));
        let asked = [station, market];
        let matrix = travel.matrix(Profile::Car, &asked, &asked, NOW).await.unwrap();
        assert_eq!(matrix.source, "roads");
        let leg = matrix.leg(0, 1).unwrap();
        assert!(f64::from(leg.distance_m) >= station.distance_m(market) - 60.0, "{leg:?}");
        assert_ne!(leg, matrix.leg(1, 0).unwrap(), "streets go one way");
        let motorcycle = travel.matrix(Profile::Motorcycle, &asked, &asked, NOW).await.unwrap();
        assert_eq!(motorcycle.source, "roads", "as cars do");
        let bicycle = travel.matrix(Profile::Bicycle, &asked, &asked, NOW).await.unwrap();
        assert_eq!(bicycle.source, "straight_line", "these roads were not imported");
    }

    #[tokio::test]
    async fn ways_follow_the_roads_and_say_which_kinds_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let travel = travel(imported(dir.path()));
        let (station, market, espoo) = (at(60.1710, 24.9414), at(60.1676, 24.9520), at(60.2055, 24.6559));
        let ways = travel.ways(Profile::Car, &[station, market, espoo], NOW).await.unwrap();
        let way = ways[0].as_ref().unwrap();
        assert!(way.line.len() > 5 && way.line[0].distance_m(station) < 60.0, "{way:?}");
        let leg = travel.matrix(Profile::Car, &[station], &[market], NOW).await.unwrap().leg(0, 0).unwrap();
        let sum: f64 = way.class_s.iter().sum();
        assert!((sum - f64::from(leg.duration_s)).abs() < 1.5, "{sum} instead of {leg:?}");
        assert_eq!(ways[1], None, "no road of the map leads there");
        let straight = Straight::default().ways(Profile::Car, &[station, market, espoo], NOW).await.unwrap();
        assert_eq!(straight, [None, None]);
        assert!(travel.ways(Profile::Car, &[], NOW).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_place_beyond_the_map_is_reached_by_a_straight_line() {
        let dir = tempfile::tempdir().unwrap();
        let travel = travel(imported(dir.path()));
        let (station, espoo) = (at(60.1710, 24.9414), at(60.2055, 24.6559));
        let matrix = travel.matrix(Profile::Car, &[station], &[espoo, station], NOW).await.unwrap();
        assert_eq!(matrix.source, "roads+straight_line");
        assert_eq!(matrix.leg(0, 0), Some(StraightLine::usual(Profile::Car).leg(station, espoo)));
        assert_eq!(matrix.leg(0, 1), Some(Leg { duration_s: 0, distance_m: 0 }));
    }

    #[tokio::test]
    async fn without_a_map_and_with_a_broken_one_the_next_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let (station, market) = ([at(60.1710, 24.9414)], [at(60.1676, 24.9520)]);
        let ask = async |travel: Chain| travel.matrix(Profile::Car, &station, &market, NOW).await.unwrap();
        assert_eq!(ask(travel(dir.path().join("map"))).await.source, "straight_line");
        std::fs::create_dir(dir.path().join("map")).unwrap();
        std::fs::write(dir.path().join("map/current"), "nonsense").unwrap();
        assert_eq!(ask(travel(dir.path().join("map"))).await.source, "straight_line");
        let error = roads(dir.path().join("map")).matrix(Profile::Car, &station, &market, NOW).await;
        assert_eq!(error.unwrap_err().kind(), platform::Kind::Unavailable);
    }
}
