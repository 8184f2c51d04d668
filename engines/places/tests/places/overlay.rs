//! What an organisation knows beyond the map.

use places::doors::{Fix, learn};
use places::{CsvLimits, Level, Overlay, Places, Query};

use crate::town::{at, town};

const LIST: &str = "street,housenumber,postcode,city,lat,lon\n\
    Landstrasse,6,9490,Oberdorf,47.10015,9.52300\n\
    Landstraße,4,9490,Oberdorf,47.10020,9.52205\n\
    Neuweg,1,9490,Oberdorf,47.10500,9.52500\n\
    Neuweg,,9490,Oberdorf,47.10500,9.52500\n";

fn overlay() -> Overlay {
    let mut builder = Overlay::builder();
    let report = builder.official_csv(LIST.as_bytes(), &CsvLimits::default()).unwrap();
    assert_eq!((report.accepted, report.refused, report.errors[0].line), (3, 1, 5));
    builder.build().unwrap()
}

#[test]
fn the_official_list_fills_the_house_that_the_map_only_estimates() {
    let overlay = overlay();
    let query = Query::new("Landstraße 6 Oberdorf");
    assert_eq!(town().places.search(&query).unwrap()[0].level, Level::Interpolated);
    let hits = town().places.with(&overlay).search(&query).unwrap();
    assert_eq!((hits[0].level, hits[0].house_number.as_deref()), (Level::House, Some("6")));
    assert_eq!(hits[0].point, at(47.10015, 9.52300));
    let estimated = hits.iter().filter(|hit| hit.level == Level::Interpolated);
    assert!(
        estimated.clone().all(|hit| hit.city.as_deref() == Some("Unterdorf")),
        "the estimate is gone: {hits:?}"
    );
}

#[test]
fn a_house_that_both_know_is_offered_once_as_the_map_has_it() {
    let overlay = overlay();
    let query = Query::new("Landstraße 4 Oberdorf");
    let merged = town().places.with(&overlay).search(&query).unwrap();
    assert_eq!(merged[0], town().places.search(&query).unwrap()[0]);
    let is_it = |hit: &&places::Hit| {
        hit.house_number.as_deref() == Some("4") && hit.city.as_deref() == Some("Oberdorf")
    };
    assert_eq!(merged.iter().filter(is_it).count(), 1);
}

#[test]
fn a_street_that_only_the_list_knows_is_found_with_mistakes_and_by_its_point() {
    let overlay = overlay();
    let merged = town().places.with(&overlay);
    assert_eq!(merged.search(&Query::new("1 Nueweg")).unwrap()[0].label, "Neuweg 1, 9490 Oberdorf");
    assert_eq!(merged.reverse(at(47.10501, 9.52501), 1)[0].label, "Neuweg 1, 9490 Oberdorf");
    assert!(
        town().places.search(&Query::new("Neuweg 1")).unwrap().iter().all(|hit| hit.level != Level::House)
    );
}

#[test]
fn the_list_works_without_a_map() {
    let overlay = overlay();
    assert_eq!(overlay.alone().search(&Query::new("neuweg 1")).unwrap()[0].level, Level::House);
    assert_eq!(overlay.alone().reverse(at(47.105, 9.525), 1).len(), 1);
}

#[test]
fn a_learned_door_is_where_to_go_and_the_address_stays_known() {
    let door_at = at(47.100_05, 9.522_10);
    let fixes: Vec<Fix> = (0..5).map(|_| Fix { point: door_at, accuracy_m: 8.0 }).collect();
    let plain = town().places.search(&Query::new("Landstraße 4 Oberdorf")).unwrap().remove(0);
    let mut builder = Overlay::builder();
    builder.door("Landstr.", "4", plain.point, learn(&fixes).unwrap());
    let overlay = builder.build().unwrap();
    let merged = town().places.with(&overlay);
    let hit = merged.search(&Query::new("Landstraße 4 Oberdorf")).unwrap().remove(0);
    assert_eq!((hit.point, hit.address_point), (door_at, Some(plain.point)));
    assert_eq!(merged.reverse(plain.point, 1)[0].point, door_at);
    // The house of the same street and number in the other village keeps its point.
    let other = merged.search(&Query::new("Landstraße 2 Unterdorf")).unwrap().remove(0);
    assert_eq!(other.address_point, None);
}

#[test]
fn a_list_that_is_imported_beside_the_extract_is_part_of_the_map() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut writer = mapfolder::Writer::begin(folder.path()).unwrap();
    places::import(&town().data, &mut writer, &mut |_| {}).unwrap();
    let mut builder = Overlay::builder();
    builder.official_csv(LIST.as_bytes(), &CsvLimits::default()).unwrap();
    assert_eq!(builder.write(&mut writer).unwrap(), 3);
    writer.finish(mapfolder::Source::of(&town().data, "test.osm.pbf")).unwrap();
    let places = Places::open(&mapfolder::Folder::open(folder.path()).unwrap()).unwrap();
    assert_eq!((places.official_houses(), town().places.official_houses()), (3, 0));
    let house = |text: &str| places.search(&Query::new(text)).unwrap().remove(0);
    assert_eq!(house("Landstraße 6 Oberdorf").level, Level::House);
    assert_eq!(house("Neuweg 1").point, at(47.105, 9.525));
    assert_eq!(places.reverse(at(47.105, 9.525), 1)[0].street.as_deref(), Some("Neuweg"));
    // What an organisation knows comes on top.
    let door_at = at(47.105_10, 9.525_10);
    let mut own = Overlay::builder();
    let fixes: Vec<Fix> = (0..5).map(|_| Fix { point: door_at, accuracy_m: 8.0 }).collect();
    own.door("Neuweg", "1", at(47.105, 9.525), learn(&fixes).unwrap());
    let own = own.build().unwrap();
    assert_eq!(places.with(&own).search(&Query::new("Neuweg 1")).unwrap()[0].point, door_at);
}

#[test]
fn an_empty_overlay_changes_nothing() {
    let overlay = Overlay::builder().build().unwrap();
    for text in ["Landstraße 4", "Egg", "500 3rd street"] {
        let query = Query::new(text);
        assert_eq!(
            town().places.with(&overlay).search(&query).unwrap(),
            town().places.search(&query).unwrap()
        );
    }
    assert_eq!(overlay.alone().search(&Query::new("Egg")).unwrap(), []);
}
