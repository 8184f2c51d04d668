//! Answers from the map and the overlay together.

use std::fmt;

use osm::Point;

use super::{Overlay, door_key};
use crate::Error;
use crate::geometry;
use crate::hit::{Hit, Level, Query};
use crate::index::Parts;
use crate::reverse;
use crate::search::{self, MAX_HITS, Ranked};

/// The same number of the same street within this distance is the same house.
const SAME_HOUSE_M: f64 = 300.0;

/// The same name within this distance is the same street.
const SAME_STREET_M: f64 = 3_000.0;

/// The map with lists and doors beyond it, the most general first.
#[derive(Clone, Copy)]
pub struct Merged<'a> {
    map: Option<&'a Parts>,
    beyond: [Option<&'a Overlay>; 2],
}

impl fmt::Debug for Merged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merged").field("beyond", &self.beyond).finish_non_exhaustive()
    }
}

impl<'a> Merged<'a> {
    pub(crate) fn new(map: Option<&'a Parts>, beyond: [Option<&'a Overlay>; 2]) -> Self {
        Self { map, beyond }
    }

    fn overlays(self) -> impl Iterator<Item = &'a Overlay> {
        self.beyond.into_iter().flatten()
    }

    /// As [`crate::Places::search`]. Official lists add the houses that the map lacks; learned doors replace the points.
    pub fn search(&self, query: &Query) -> Result<Vec<Hit>, Error> {
        let mut found = self.map.map_or(Ok(Vec::new()), |parts| search::search(parts, query))?;
        for overlay in self.overlays() {
            add(&mut found, overlay.ranked(query)?);
        }
        let ranked = search::in_order(found, query.limit.clamp(1, MAX_HITS));
        Ok(ranked.into_iter().map(|ranked| self.to_door(ranked.hit)).collect())
    }

    /// As [`crate::Places::reverse`].
    pub fn reverse(&self, point: Point, limit: usize) -> Vec<Hit> {
        let limit = limit.clamp(1, MAX_HITS);
        let mut reached = self.map.map_or(Vec::new(), |parts| reverse::reverse(&parts.book, point, limit));
        for listed in self.overlays().flat_map(|overlay| overlay.reverse(point, limit)) {
            if !reached.iter().any(|known| is_known(&known.hit, &listed.hit)) {
                reached.push(listed);
            }
        }
        // Houses before streets, each level in the order of its search: the nearest wall is not always the house that is meant.
        reached.sort_by(|a, b| a.hit.level.cmp(&b.hit.level).then(a.order.total_cmp(&b.order)));
        reached.truncate(limit);
        reached.into_iter().map(|reached| self.to_door(reached.hit)).collect()
    }

    fn to_door(self, hit: Hit) -> Hit {
        self.overlays().fold(hit, |hit, overlay| overlay.to_door(hit))
    }
}

/// Adds what a list has beyond what was found.
fn add(found: &mut Vec<Ranked>, of_list: Vec<Ranked>) {
    let is_new = |listed: &Ranked| !found.iter().any(|known| is_known(&known.hit, &listed.hit));
    let added: Vec<Ranked> = of_list.into_iter().filter(is_new).collect();
    // An official house replaces the point that was only estimated.
    found.retain(|known| {
        known.hit.level != Level::Interpolated
            || !added.iter().any(|listed| is_same_house(&known.hit, &listed.hit))
    });
    found.extend(added);
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
