//! Real streets under the feet of invented people: an imported map tells which way a courier goes, and at which addresses there
//! is somebody to order.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use kernel::geo::Position;
use kernel::random::Random;
use mapfolder::Folder;
use osm::Point;
use places::{Level, Places};
use roads::Network;

/// A map with roads and addresses.
#[derive(Debug, Clone)]
pub struct Streets {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    network: Network,
    places: Places,
    bounds: osm::Bounds,
}

/// A way along streets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    pub(crate) duration_s: f64,
    points: Vec<Position>,
}

/// An address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Address {
    pub(crate) place: Position,
    pub(crate) street: String,
}

/// Couriers of the invented town ride bicycles.
const PROFILE: &str = "bicycle";
/// How often a place is drawn until there is an address.
const TRIES: usize = 500;

impl Streets {
    /// Of a map that was imported with roads for bicycles.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let map = Folder::open(folder).with_context(|| format!("the map in {}", folder.display()))?;
        let inner = Inner {
            network: Network::open(&map, PROFILE)?,
            places: Places::open(&map)?,
            bounds: map.manifest().source.bounds(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The way from here to there, if there is one.
    pub(crate) fn way(&self, from: Position, to: Position) -> Option<Way> {
        let route = self.inner.network.route(point(from), point(to), None).ok()?;
        let points = route.geometry.into_iter().filter_map(position).collect();
        Some(Way { duration_s: route.duration_s, points })
    }

    /// Some address that couriers can reach.
    pub(crate) fn somewhere(&self, random: &Random) -> anyhow::Result<Address> {
        let bounds = self.inner.bounds;
        let mix = |from: f64, to: f64| from + (to - from) * random.fraction();
        for _ in 0..TRIES {
            let drawn = Point::from_degrees(
                mix(bounds.min.lat(), bounds.max.lat()),
                mix(bounds.min.lon(), bounds.max.lon()),
            );
            let Some(hit) = self.inner.places.reverse(drawn, 1).pop() else { continue };
            let (Some(street), Some(place)) = (hit.street, position(hit.point)) else { continue };
            if hit.level == Level::House && self.inner.network.snap(hit.point, None).is_ok() {
                let number = hit.house_number.unwrap_or_default();
                return Ok(Address { place, street: format!("{street} {number}").trim_end().to_owned() });
            }
        }
        ensure!(bounds.contains(bounds.centre()), "the map is empty");
        anyhow::bail!("the map has too few addresses for a town")
    }
}

impl Way {
    /// Where somebody is who has gone this part of it, 0 to 1.
    pub(crate) fn at(&self, part: f64) -> Option<Position> {
        let legs: Vec<f64> = self.points.windows(2).map(|pair| pair[0].distance_m(pair[1])).collect();
        let mut rest = legs.iter().sum::<f64>() * part.clamp(0.0, 1.0);
        for (pair, length) in self.points.windows(2).zip(legs) {
            if rest <= length {
                let share = if length > 0.0 { rest / length } else { 0.0 };
                let mix = |a: f64, b: f64| a + (b - a) * share;
                return Position::new(mix(pair[0].lat(), pair[1].lat()), mix(pair[0].lon(), pair[1].lon()))
                    .ok();
            }
            rest -= length;
        }
        self.points.last().copied()
    }
}

fn point(position: Position) -> Point {
    Point::from_degrees(position.lat(), position.lon())
}

fn position(point: Point) -> Option<Position> {
    Position::new(point.lat(), point.lon()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    #[test]
    fn a_way_is_gone_along_its_bends() {
        let way = Way { duration_s: 60.0, points: vec![at(0.0, 0.0), at(0.0, 0.001), at(0.001, 0.001)] };
        assert_eq!(way.at(0.0), Some(at(0.0, 0.0)));
        assert!(way.at(0.5).unwrap().distance_m(at(0.0, 0.001)) < 1.0);
        assert!(way.at(0.75).unwrap().distance_m(at(0.0005, 0.001)) < 1.0);
        assert_eq!(way.at(1.0), Some(at(0.001, 0.001)));
    }

    #[test]
    fn people_live_at_addresses_of_the_map_and_couriers_keep_to_its_streets() {
        let dir = tempfile::tempdir().unwrap();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf");
        let data = osm::Data::read(file.as_ref(), &osm::Limits::default(), &mut |_| {}).unwrap();
        let folder = dir.path().join("map");
        let mut writer = mapfolder::Writer::begin(&folder).unwrap();
        roads::import(&data, &[roads::Profile::embedded(PROFILE).unwrap()], &mut writer, &mut |_| {})
            .unwrap();
        places::import(&data, &mut writer, &mut |_| {}).unwrap();
        writer.finish(mapfolder::Source::of(&data, "helsinki.osm.pbf")).unwrap();
        let streets = Streets::open(&folder).unwrap();
        let random = Random::seeded(1);
        let (one, two) = (streets.somewhere(&random).unwrap(), streets.somewhere(&random).unwrap());
        assert_ne!(one, two);
        assert!(one.street.chars().any(|letter| letter.is_ascii_digit()), "{one:?}");
        let way = streets.way(one.place, two.place).unwrap();
        let half = way.at(0.5).unwrap();
        let near = streets.inner.network.snap(point(half), None).unwrap();
        assert!(near.distance_m < 2.0, "{half:?} is {} m off the road", near.distance_m);
    }
}
