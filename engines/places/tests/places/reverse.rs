//! What is found for a point.

use std::sync::OnceLock;

use osm::{Builder, Data};
use places::Level;

use crate::support::{Imported, import};
use crate::town::{at, town};

/// A building from its south-west to its north-east corner.
fn building(
    builder: Builder,
    id: i64,
    (south, west, north, east): (f64, f64, f64, f64),
    number: (&str, &str),
) -> Builder {
    let corners = [(south, west), (south, east), (north, east), (north, west)];
    let first = id * 10;
    let builder = corners
        .into_iter()
        .zip(first..)
        .fold(builder, |builder, ((lat, lon), id)| builder.node(id, lat, lon, &[]));
    let tags = [("building", "yes"), ("addr:street", number.0), ("addr:housenumber", number.1)];
    builder.way(id, &[first, first + 1, first + 2, first + 3, first], &tags)
}

/// A narrow house beside a wide one; a building of two numbers, one of which also has a node at its door; an address in the
/// open before a large building. 0.00001 degrees are 1.1 m to the north and 0.76 m to the east.
fn block() -> &'static Imported {
    static BLOCK: OnceLock<Imported> = OnceLock::new();
    BLOCK.get_or_init(|| {
        let mut builder = Data::builder();
        builder = building(builder, 1, (47.15, 9.540, 47.1501, 9.5401), ("Gasse", "1"));
        builder = building(builder, 2, (47.15, 9.5401, 47.1501, 9.5406), ("Gasse", "3"));
        builder = building(builder, 3, (47.15, 9.541, 47.1502, 9.5414), ("Hof", "2;4"));
        builder = building(builder, 4, (47.15, 9.542, 47.1504, 9.5426), ("Platz", "1"));
        builder = builder.node(1, 47.15002, 9.54136, &[("addr:street", "Hof"), ("addr:housenumber", "4")]);
        builder = builder.node(2, 47.14992, 9.5423, &[("addr:street", "Platz"), ("addr:housenumber", "9")]);
        import(builder.build())
    })
}

fn label_in_block(lat: f64, lon: f64) -> String {
    block().places.reverse(at(lat, lon), 1).into_iter().next().expect("something is near").label
}

#[test]
fn well_inside_of_a_building_its_own_house_is_meant() {
    // 5 m from the wall; the point of the neighbour is 9 m away, its own 14 m.
    assert_eq!(label_in_block(47.15005, 9.540_166), "Gasse 3");
}

#[test]
fn at_a_wall_that_may_be_drawn_wrong_the_nearer_door_decides() {
    // 2 m inside of the wall; the point of the neighbour is 6 m away, its own 17 m.
    assert_eq!(label_in_block(47.15005, 9.540_126), "Gasse 1");
    // As near to the wall from the other side.
    assert_eq!(label_in_block(47.15005, 9.540_074), "Gasse 1");
}

#[test]
fn the_door_of_a_number_is_kept_when_its_building_is_written_too() {
    assert_eq!(label_in_block(47.15003, 9.54134), "Hof 4", "behind the door");
    assert_eq!(label_in_block(47.14997, 9.54136), "Hof 4", "before the door");
    assert_eq!(block().summary.houses, 6, "the door is no second house");
}

#[test]
fn an_address_close_by_is_meant_though_the_wall_of_a_large_building_is_nearer() {
    // 4.3 m to the wall, 22 m to the middle of the building; 4.6 m to the address in the open.
    assert_eq!(label_in_block(47.149_961, 9.5423), "Platz 9");
    // In the large building the address outside is never meant.
    assert_eq!(label_in_block(47.150_01, 9.5423), "Platz 1");
}

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
