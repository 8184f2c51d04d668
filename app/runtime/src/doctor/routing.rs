//! Routing servers: each is asked for some ways of the own map, as dispatch asks, and what it says is held against that map.
//!
//! Without a map it is asked for a way at a place that it names itself, as far as it does. A server that cannot be used costs
//! no order: ways come from the next source, and therefore worse than the operator believes.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::geo::Position;
use kernel::time::Clock as _;
use kernel::travel::{Leg, Profile};
use mapfolder::Folder;
use platform::clock::SystemClock;
use platform::travel::TravelTimes;
use platform::{Error, Kind};

use super::Finding;
use crate::roads::RoadTravel;
use crate::settings::Settings;
use crate::travel::{Server, servers};

const WHAT: &str = "routing servers";
/// Longer than a question has while DropMate runs, so that a slow server can be told from one that is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a question has while DropMate runs.
const TOO_LATE: Duration = Duration::from_secs(2);
/// For so few ways this is long: a question of dispatch has a hundred times as many.
const SLOW: Duration = Duration::from_millis(800);
/// Places in a row and in a column that are looked at on the map.
const GRID: u32 = 5;
/// Ways that are asked for: Mapbox bills each of them.
const WAYS: usize = 4;
/// Established engines differ by a quarter of each other's times; a bicycle and a car by more than this.
const ALIKE: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// Everything that is set.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let travel = &settings.config().travel;
    if travel.line().is_some() {
        return vec![Finding::fine(WHAT, "none is asked: travel.speed_m_s makes every way a straight line")];
    }
    if !travel.has_servers() {
        let seen = "none is set: ways follow the roads of your map, and straight lines beyond it";
        return vec![Finding::fine(WHAT, seen)];
    }
    let servers = match servers(travel, PATIENCE) {
        Ok(servers) => servers,
        Err(error) => return vec![Finding::broken(WHAT, format!("{error:#}"), "correct the setting")],
    };
    let map = Map::of(settings);
    let mut findings = Vec::with_capacity(servers.len());
    for server in &servers {
        findings.push(look(server, map.as_ref()).await);
    }
    findings
}

/// The own map: what it knows, and from where to where it reaches.
struct Map {
    times: Arc<dyn TravelTimes>,
    south_west: Position,
    north_east: Position,
}

impl Map {
    fn of(settings: &Settings) -> Option<Self> {
        let folder = settings.map_folder();
        let bounds = Folder::open(&folder).ok()?.manifest().source.bounds();
        let corner = |point: osm::Point| Position::new(point.lat(), point.lon()).ok();
        Some(Self {
            times: Arc::new(RoadTravel::new(folder, None)),
            south_west: corner(bounds.min)?,
            north_east: corner(bounds.max)?,
        })
    }

    /// Places spread over it, and not at its edges, where roads end.
    fn places(&self) -> Vec<Position> {
        let share = |step: u32| f64::from(step + 1) / f64::from(GRID + 1);
        let between = |low: f64, high: f64, step: u32| low + (high - low) * share(step);
        let place = |row: u32, column: u32| {
            let lat = between(self.south_west.lat(), self.north_east.lat(), row);
            Position::new(lat, between(self.south_west.lon(), self.north_east.lon(), column)).ok()
        };
        (0..GRID).flat_map(|row| (0..GRID).filter_map(move |column| place(row, column))).collect()
    }

    /// Ways of which this map knows most; where it has no roads for this profile, ways between the same places.
    async fn ways(&self, profile: Profile) -> Option<Ways> {
        let places = self.places();
        let known = self.times.matrix(profile, &places, &places, SystemClock.now()).await.ok();
        let leg = |from: usize, to: usize| known.as_ref().and_then(|matrix| matrix.leg(from, to));
        let others = |from: usize| (0..places.len()).filter(move |to| *to != from);
        let count = |from: &usize| others(*from).filter(|to| leg(*from, *to).is_some()).count();
        // Of several the one in the middle.
        let middle = places.len() / 2;
        let from = (0..places.len()).max_by_key(|from| (count(from), usize::MAX - from.abs_diff(middle)))?;
        let mut to: Vec<usize> = others(from).collect();
        to.sort_by_key(|to| leg(from, *to).is_none());
        to.truncate(WAYS);
        Some(Ways {
            from: vec![places[from]],
            own: to.iter().map(|to| leg(from, *to)).collect(),
            to: to.into_iter().map(|to| places[to]).collect(),
            whose: "your map",
        })
    }
}

/// What a server is asked for.
struct Ways {
    from: Vec<Position>,
    to: Vec<Position>,
    /// What the own map knows of them, row by row.
    own: Vec<Option<Leg>>,
    whose: &'static str,
}

impl Ways {
    /// Among places that the server names; none when it names none.
    async fn of_server(server: &Server) -> platform::Result<Option<Self>> {
        let places = server.times.somewhere().await?;
        let own = vec![None; places.len() * places.len()];
        let ways = Self { from: places.clone(), to: places, own, whose: "its own area" };
        Ok((ways.to.len() > 1).then_some(ways))
    }

    /// Whether a pair, by its number row by row, is a way and not a place to itself.
    fn is_way(&self, number: usize) -> bool {
        let columns = self.to.len().max(1);
        self.from.get(number / columns) != self.to.get(number % columns)
    }
}

/// One server.
async fn look(server: &Server, map: Option<&Map>) -> Finding {
    let known = |profile: &Profile| server.times.limits(*profile).is_some();
    let Some(profile) = Profile::ALL.into_iter().find(known) else {
        return Finding::broken(what(server), "it has roads for nobody", "look at travel.osrm_profiles");
    };
    let ways = match map {
        Some(map) => map.ways(profile).await,
        None => match in_time(Ways::of_server(server)).await {
            Ok(ways) => ways,
            Err(error) => return unusable(server, &error),
        },
    };
    let Some(ways) = ways else {
        return Finding::warning(
            what(server),
            "it answers, but there is no map and it does not say where its roads are: it was asked for no way",
            "import the map of your area (docs/operating/maps.md) and look again",
        );
    };
    let asked = Instant::now();
    let answer = server.times.matrix(profile, &ways.from, &ways.to, SystemClock.now());
    match in_time(answer).await {
        Ok(matrix) => {
            let (took, columns) = (asked.elapsed(), ways.to.len());
            let pairs = (0..ways.own.len()).filter(|number| ways.is_way(*number));
            let legs = |number: usize| (ways.own[number], matrix.leg(number / columns, number % columns));
            judged(server, profile, ways.whose, &pairs.map(legs).collect::<Vec<_>>(), took)
        }
        Err(error) => unusable(server, &error),
    }
}

async fn in_time<T>(asking: impl Future<Output = platform::Result<T>>) -> platform::Result<T> {
    let late = || {
        let text = format!("no answer within {} s", PATIENCE.as_secs());
        Error::new(Kind::Timeout, "timeout", "The routing server took too long.").with_source(text)
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_elapsed| Err(late()))
}

fn what(server: &Server) -> &'static str {
    match server.times.source() {
        osrm::SOURCE => "routing by OSRM",
        valhalla::SOURCE => "routing by Valhalla",
        _ => "routing by Mapbox",
    }
}

fn unusable(server: &Server, error: &Error) -> Finding {
    let there = match server.times.source() {
        osrm::SOURCE => "osrm-routed answers there",
        valhalla::SOURCE => "valhalla_service answers there",
        _ => "the account has quota left, and this machine may call api.mapbox.com",
    };
    Finding::broken(
        what(server),
        format!("it cannot be used: {}", error.chain()),
        format!("look at {} and whether {there}; ways come from the next source meanwhile", server.setting),
    )
}

/// What it says about the ways, each beside what the own map says, and how long that took.
fn judged(
    server: &Server,
    profile: Profile,
    whose: &str,
    legs: &[(Option<Leg>, Option<Leg>)],
    took: Duration,
) -> Finding {
    let (known, all) = (legs.iter().filter(|(_, theirs)| theirs.is_some()).count(), legs.len());
    let by = profile.as_str();
    if known == 0 {
        return Finding::warning(
            what(server),
            format!("it answers, and knows no way by {by} between {all} pairs of places in {whose}"),
            "give it an extract of your area; ways that it does not know come from the next source",
        );
    }
    let ratio = compared(legs);
    let seen = format!(
        "knows {known} of {all} ways by {by} in {whose}, within {} ms{}",
        took.as_millis(),
        ratio.map_or_else(|| "; no way of your map to compare with".to_owned(), beside)
    );
    if took > TOO_LATE {
        let fix = "give it a faster machine or a nearer one: after two seconds nobody waits for it any more";
        return Finding::broken(what(server), seen, fix);
    }
    if took > SLOW {
        let fix = "dispatch asks for hundreds of ways and waits two seconds: see what slows it down";
        return Finding::warning(what(server), seen, fix);
    }
    if ratio.is_some_and(|ratio| !ALIKE.contains(&ratio)) {
        let fix =
            "see whether it has the roads of this profile (travel.osrm_profiles), and speeds like yours";
        return Finding::warning(what(server), seen, fix);
    }
    Finding::fine(what(server), seen)
}

/// Their time by ours, of all ways that both know.
fn compared(legs: &[(Option<Leg>, Option<Leg>)]) -> Option<f64> {
    let both = legs.iter().filter_map(|(own, theirs)| (*own).zip(*theirs));
    let (mut ours_s, mut theirs_s) = (0, 0);
    for (own, other) in both {
        (ours_s, theirs_s) = (ours_s + u64::from(own.duration_s), theirs_s + u64::from(other.duration_s));
    }
    let seconds = |sum: u64| u32::try_from(sum).map(f64::from).ok();
    (ours_s > 0).then(|| Some(seconds(theirs_s)? / seconds(ours_s)?)).flatten()
}

fn beside(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    match percent {
        -1.0..1.0 => "; they take as long as on your map".to_owned(),
        1.0.. => format!("; they take {percent:.0} % longer than on your map"),
        _ => format!("; they take {:.0} % less than on your map", -percent),
    }
}
