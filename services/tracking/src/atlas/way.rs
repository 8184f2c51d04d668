//! Ways on the roads of the imported map, to be drawn: travel times come from elsewhere (`platform::travel`).

use std::collections::BTreeMap;

use kernel::geo::Position;
use kernel::travel::{Profile, StraightLine};
use mapfolder::Folder;
use osm::Point;
use roads::Network;

/// The word for a way that follows roads.
const ROADS: &str = "roads";
/// Where parts of it do not: a place has no road nearby, or none leads there.
const MIXED: &str = "roads+straight_line";

/// Places so close to each other, in metres, are one: nobody goes out to the street and back between them.
const SAME_M: f64 = 20.0;

/// A line through places, in the order in which somebody comes by.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Its corners, the first and the last place included.
    pub line: Vec<Position>,
    /// `roads`, `straight_line`, or both with a plus between them.
    pub source: &'static str,
}

impl Way {
    /// From place to place as the crow flies.
    pub fn straight(stops: Vec<Position>) -> Self {
        Self { line: stops, source: StraightLine::SOURCE }
    }

    /// On these roads, straight where they do not lead.
    pub(super) fn on(network: &Network, stops: &[Position]) -> Self {
        let (mut line, mut followed, mut jumped) = (Vec::new(), false, false);
        for leg in stops.windows(2) {
            let [from, to] = leg else { continue };
            if from.distance_m(*to) < SAME_M {
                line.extend([*from, *to]);
                continue;
            }
            let route = network.route(point(*from), point(*to), None);
            line.push(*from);
            if let Ok(route) = route {
                line.extend(route.geometry.iter().filter_map(|at| Position::new(at.lat(), at.lon()).ok()));
                followed = true;
            } else {
                jumped = true;
            }
            line.push(*to);
        }
        line.dedup();
        let source = match (followed, jumped) {
            (true, false) => ROADS,
            (true, true) => MIXED,
            (false, _) => StraightLine::SOURCE,
        };
        Self { line, source }
    }
}

fn point(place: Position) -> Point {
    Point::from_degrees(place.lat(), place.lon())
}

/// The roads of one map that were asked for. Who has no roads of their own goes on those of somebody who is alike.
#[derive(Default)]
pub(super) struct Roads(BTreeMap<&'static str, Option<Network>>);

impl Roads {
    /// Those of this profile, opened when somebody asks for the first time.
    pub(super) fn of(&mut self, folder: &Folder, profile: Profile) -> Result<Option<Network>, roads::Error> {
        for name in alike(profile) {
            if !self.0.contains_key(name) {
                let there = Network::is_in(folder, name);
                self.0.insert(name, there.then(|| Network::open(folder, name)).transpose()?);
            }
            if let Some(Some(network)) = self.0.get(name) {
                return Ok(Some(network.clone()));
            }
        }
        Ok(None)
    }
}

fn alike(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Car => &["car"],
        Profile::Motorcycle => &["motorcycle", "car"],
        Profile::Bicycle => &["bicycle"],
        Profile::CargoBike => &["cargo_bike", "bicycle"],
        Profile::Foot => &["foot"],
    }
}
