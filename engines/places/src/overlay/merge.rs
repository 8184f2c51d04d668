//! Answers from the map and the overlay together.

use osm::Point;

use super::{Overlay, door_key};
use crate::geometry;
use crate::hit::{Hit, Level, Query};
use crate::search::{self, MAX_HITS, Ranked};
use crate::{Error, Places};

/// The same number of the same street within this distance is the same house.
const SAME_HOUSE_M: f64 = 300.0;

/// The same name within this distance is the same street.
const SAME_STREET_M: f64 = 3_000.0;

/// The map with an overlay.
#[derive(Clone, Copy, Debug)]
pub struct Merged<'a> {
    places: Option<&'a Places>,
    overlay: &'a Overlay,
}

impl<'a> Merged<'a> {
    pub(crate) fn new(places: Option<&'a Places>, overlay: &'a Overlay) -> Self {
        Self { places, overlay }
    }

    /// As [`Places::search`]. The official list adds the houses that the map lacks; learned doors replace the points.
    pub fn search(&self, query: &Query) -> Result<Vec<Hit>, Error> {
        let mut of_map = self.places.map_or(Ok(Vec::new()), |places| search::search(&places.parts, query))?;
        let of_list = self.overlay.ranked(query)?;
        let added: Vec<Ranked> = of_list
            .into_iter()
            .filter(|listed| !of_map.iter().any(|known| is_known(&known.hit, &listed.hit)))
            .collect();
        // An official house replaces the point that was only estimated.
        of_map.retain(|known| {
            known.hit.level != Level::Interpolated
                || !added.iter().any(|listed| is_same_house(&known.hit, &listed.hit))
        });
        of_map.extend(added);
        let ranked = search::in_order(of_map, query.limit.clamp(1, MAX_HITS));
        Ok(ranked.into_iter().map(|ranked| self.overlay.to_door(ranked.hit)).collect())
    }

    /// As [`Places::reverse`].
    pub fn reverse(&self, point: Point, limit: usize) -> Vec<Hit> {
        let limit = limit.clamp(1, MAX_HITS);
        let mut hits = self.places.map_or(Vec::new(), |places| places.reverse(point, limit));
        for listed in self.overlay.reverse(point, limit) {
            if !hits.iter().any(|known| is_known(known, &listed)) {
                hits.push(listed);
            }
        }
        // Houses before streets, the nearer first.
        let key = |hit: &Hit| (hit.level, hit.distance_m.unwrap_or(f64::INFINITY));
        hits.sort_by(|a, b| key(a).0.cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
        hits.truncate(limit);
        hits.into_iter().map(|hit| self.overlay.to_door(hit)).collect()
    }
}

fn is_known(known: &Hit, listed: &Hit) -> bool {
    match (known.level, listed.level) {
        (Level::Street, Level::Street) => same(known, listed, SAME_STREET_M),
        (Level::Place, Level::Place) => known.name == listed.name && known.city == listed.city,
        // An estimate from the list is never better than what the map says about the same number.
        (Level::House, Level::House) | (Level::House | Level::Interpolated, Level::Interpolated) => {
            is_same_house(known, listed)
        }
        _ => false,
    }
}

fn is_same_house(one: &Hit, other: &Hit) -> bool {
    one.house_number.is_some() && same(one, other, SAME_HOUSE_M)
}

fn same(one: &Hit, other: &Hit, within_m: f64) -> bool {
    let key = |hit: &Hit| {
        door_key(hit.street.as_deref().unwrap_or_default(), hit.house_number.as_deref().unwrap_or_default())
    };
    key(one) == key(other) && geometry::distance_m(one.point, other.point) < within_m
}
