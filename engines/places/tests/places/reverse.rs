//! What is found for a point.

use places::Level;

use crate::town::{at, town};

fn number(lat: f64, lon: f64) -> (Level, Option<String>) {
    let hit = town().places.reverse(at(lat, lon), 1).into_iter().next().expect("something is near");
    (hit.level, hit.house_number)
}

#[test]
fn a_point_in_a_building_is_in_that_building_though_another_address_is_nearer() {
    // 2 m from the neighbour's point, 20 m from those of the building.
    let (level, number) = number(47.13005, 9.52038);
    assert_eq!((level, number.as_deref()), (Level::House, Some("3")));
}

#[test]
fn of_stacked_addresses_the_nearest_in_the_building_is_meant() {
    assert_eq!(number(47.13002, 9.52004).1.as_deref(), Some("1"));
    assert_eq!(number(47.13002, 9.52011).1.as_deref(), Some("3"));
}

#[test]
fn outside_of_buildings_the_nearest_house_is_meant() {
    let hit = &town().places.reverse(at(47.1000, 9.5252), 3)[0];
    assert_eq!(hit.label, "Landstraße 10, 9490 Oberdorf");
    assert!((5.0..20.0).contains(&hit.distance_m.unwrap()), "{:?}", hit.distance_m);
}

#[test]
fn without_a_house_the_street_is_named_at_its_nearest_place() {
    let hit = &town().places.reverse(at(47.1221, 9.5280), 1)[0];
    assert_eq!((hit.level, hit.street.as_deref()), (Level::Street, Some("Fünf Linden Weg")));
    assert!(hit.point.distance_m(at(47.122, 9.5280)) < 1.0);
}

#[test]
fn far_from_everything_there_is_no_answer() {
    assert_eq!(town().places.reverse(at(46.0, 8.0), 5), []);
    assert_eq!(town().places.reverse(at(-90.0, 180.0), 5), []);
}

#[test]
fn answers_come_nearest_first_and_not_more_than_asked() {
    let hits = town().places.reverse(at(47.1001, 9.5215), 3);
    assert_eq!(hits.len(), 3);
    let houses: Vec<f64> =
        hits.iter().filter(|hit| hit.level == Level::House).filter_map(|hit| hit.distance_m).collect();
    assert!(houses.is_sorted(), "{houses:?}");
}
