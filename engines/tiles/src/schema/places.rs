//! Layer `places`: names of towns, villages and quarters, from their nodes.

use osm::Tags;

use super::{Element, Sink, names, whole};
use crate::feature::{Feature, Layer};
use crate::geometry::Geometry;

/// From so many inhabitants on a place has rank 2, 3 and so on.
const RANKS: [i64; 17] = [
    200,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];

struct Place {
    kind: &'static str,
    min_zoom: u8,
    max_zoom: u8,
    /// Among places of one zoom, lower ones win.
    rank: u32,
    /// Inhabitants of a place that does not tell.
    usual_population: i64,
}

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    let tags = element.tags;
    let (Some(spot), Some(name), Some(detail)) = (element.point, tags.get("name"), tags.get("place")) else {
        return;
    };
    let population = whole(tags.get("population")).filter(|population| *population > 0);
    let Some(place) = class(detail, population) else { return };
    let population = population.unwrap_or(place.usual_population);
    let order = sort_key(&place, population, name);
    let feature = Feature::new(Layer::Places, place.kind, place.min_zoom)
        .until(place.max_zoom)
        .ordered(order)
        .text("kind_detail", detail)
        .label_zoom(place.min_zoom)
        .text_from("capital", tags.get("capital"), 0)
        .number("population", population)
        .number("population_rank", population_rank(population))
        .text_from("wikidata", tags.get("wikidata"), 0)
        .number("sort_key", i64::from(order));
    sink(&names::add(refs(feature, tags), tags, 0), &Geometry::Point(spot));
}

/// Short codes of regions ("CA"), which are drawn in place of the name at low zooms.
fn refs<'a>(feature: Feature<'a>, tags: Tags<'a>) -> Feature<'a> {
    let is_code = |value: &&str| value.len() < 5 && value.parse::<f64>().is_err();
    feature.text_from("ref", tags.get("ref").filter(is_code), 0).text_from(
        "ref:en",
        tags.get("ref:en").filter(is_code),
        0,
    )
}

fn class(place: &str, population: Option<i64>) -> Option<Place> {
    let known = population.is_some();
    let more_than = |limit| population.is_some_and(|population| population >= limit);
    let locality = |min_zoom, rank, usual_population| Place {
        kind: "locality",
        min_zoom,
        max_zoom: 15,
        rank,
        usual_population,
    };
    let hood = |kind, min_zoom, rank| Place { kind, min_zoom, max_zoom: 15, rank, usual_population: 0 };
    Some(match place {
        "country" => Place { kind: "country", min_zoom: 5, max_zoom: 8, rank: 0, usual_population: 0 },
        "state" | "province" => {
            Place { kind: "region", min_zoom: 8, max_zoom: 11, rank: 1, usual_population: 0 }
        }
        "city" => locality(if known { 7 } else { 8 }, 2, 5_000),
        "town" => locality(if known { 7 } else { 9 }, 2, 10_000),
        "village" => locality(if more_than(2_000) { 11 } else { 10 }, 3, 2_000),
        "hamlet" => locality(if more_than(200) { 12 } else { 11 }, 5, 200),
        "locality" => locality(if known { 11 } else { 12 }, 4, 1_000),
        "isolated_dwelling" => locality(if more_than(100) { 14 } else { 13 }, 6, 100),
        "farm" => locality(if more_than(50) { 14 } else { 13 }, 7, 50),
        "allotments" => locality(if more_than(100) { 14 } else { 13 }, 8, 1_000),
        "suburb" => hood("neighbourhood", 12, 9),
        "quarter" => hood("macrohood", 10, 10),
        "neighbourhood" => hood("neighbourhood", 12, 11),
        _ => return None,
    })
}

fn population_rank(population: i64) -> i64 {
    1 + i64::try_from(RANKS.iter().filter(|limit| population >= **limit).count()).unwrap_or(0)
}

/// Earlier zoom, then more important kind, then more inhabitants, then the shorter name.
fn sort_key(place: &Place, population: i64, name: &str) -> u32 {
    // 0 for forty million inhabitants, about 64 for one.
    let few = 64_u32.saturating_sub(population.clamp(1, 40_000_000).ilog2() * 64 / 25);
    let letters = u32::try_from(name.chars().count().min(31)).unwrap_or(31);
    ((u32::from(place.min_zoom) * 10 * 13 + place.rank) * 65 + few) * 32 + letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_comes_before_a_village_and_a_larger_town_before_a_smaller_one() {
        let key =
            |kind: &str, population| sort_key(&class(kind, Some(population)).unwrap(), population, "Name");
        assert!(key("city", 600_000) < key("village", 600));
        assert!(key("town", 40_000) < key("town", 20_000));
    }

    #[test]
    fn the_rank_grows_with_the_inhabitants() {
        assert_eq!(population_rank(0), 1);
        assert_eq!(population_rank(200), 2);
        assert_eq!(population_rank(650_000), 11);
    }
}
