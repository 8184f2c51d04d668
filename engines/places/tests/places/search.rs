//! What is found for a text.

use osm::Bounds;
use places::{Hit, Layers, Level, Query};

use crate::town::{at, town};

fn find(text: &str) -> Vec<Hit> {
    town().places.search(&Query::new(text)).unwrap()
}

fn first(text: &str) -> Hit {
    find(text).into_iter().next().unwrap_or_else(|| panic!("nothing found for {text:?}"))
}

fn label(text: &str) -> String {
    first(text).label
}

#[test]
fn an_address_is_found_however_its_words_are_ordered() {
    for text in [
        "Landstraße 4, 9490 Oberdorf",
        "9490 Oberdorf, Landstraße 4",
        "4 Landstraße Oberdorf",
        "oberdorf landstrasse 4",
        "LANDSTR. 4 OBERDORF",
        "Land Straße 4 Oberdorf",
        "Landstrsse 4 Oberdorf",
        "Lanstrase 4, Oberdorff",
    ] {
        let hit = first(text);
        assert_eq!((hit.level, hit.label.as_str()), (Level::House, "Landstraße 4, 9490 Oberdorf"), "{text}");
    }
}

#[test]
fn the_town_decides_between_two_streets_of_one_name() {
    assert_eq!(label("Landstraße 2 Oberdorf"), "Landstraße 2, 9490 Oberdorf");
    assert_eq!(label("Landstraße 2 Unterdorf"), "Landstraße 2, 9494 Unterdorf");
    assert_eq!(label("Landstraße 2, 9494"), "Landstraße 2, 9494 Unterdorf");
}

#[test]
fn nearness_decides_when_the_town_is_not_said() {
    for (lon, expected) in [(9.52, "Landstraße 2, 9490 Oberdorf"), (9.58, "Landstraße 2, 9494 Unterdorf")] {
        let query = Query { near: Some(at(47.10, lon)), ..Query::new("Landstraße 2") };
        let hits = town().places.search(&query).unwrap();
        assert_eq!(hits[0].label, expected);
        assert!(hits[0].distance_m.unwrap() < 1_500.0);
        assert_eq!(hits[1].street.as_deref(), Some("Landstraße"), "the other town is still offered");
    }
}

#[test]
fn a_number_that_only_one_town_has_decides_too() {
    assert_eq!(label("Landstraße 10"), "Landstraße 10, 9490 Oberdorf");
    assert_eq!(label("Landstraße 12a"), "Landstraße 12a, 9494 Unterdorf");
    assert_eq!(label("Landstraße 12 a"), "Landstraße 12a, 9494 Unterdorf");
}

#[test]
fn a_missing_number_is_put_between_its_neighbours_and_says_so() {
    let hit = first("Landstraße 6 Oberdorf");
    assert_eq!((hit.level, hit.house_number.as_deref()), (Level::Interpolated, Some("6")));
    // A third of the way from number 4 to number 10, on their side of the street.
    let third = at(47.100_145, 9.523_065);
    assert!(hit.point.distance_m(third) < 3.0, "{:?}", hit.point);
    assert!(hit.confidence < first("Landstraße 4 Oberdorf").confidence);
}

#[test]
fn a_number_beyond_the_known_ones_gives_the_street() {
    let hit = first("Landstraße 300 Oberdorf");
    assert_eq!((hit.level, hit.house_number), (Level::Street, None));
}

#[test]
fn a_range_answers_for_the_houses_in_it() {
    for number in ["12", "14", "16", "12-16", "12 - 16"] {
        let hit = first(&format!("Muehlegasse {number}"));
        assert_eq!((hit.level, hit.house_number.as_deref()), (Level::House, Some("12-16")), "{number}");
    }
    assert_ne!(first("Mühlegasse 13").level, Level::House);
}

#[test]
fn an_interpolation_line_gives_its_houses_and_marks_them() {
    let hit = first("Äussere Au 11");
    assert_eq!((hit.level, hit.house_number.as_deref()), (Level::Interpolated, Some("11")));
    assert!(hit.point.distance_m(at(47.1060, 9.5250)) < 2.0, "{:?}", hit.point);
    assert_eq!(first("Äussere Au 21").level, Level::House);
    assert_eq!(town().summary.interpolated, 9);
}

#[test]
fn numbered_streets_survive_mistakes() {
    for (text, expected) in [
        ("500 3rd Street", "3rd Street"),
        ("500 3rd St", "3rd Street"),
        ("500 Third Street", "3rd Street"),
        ("500 3 Street", "3rd Street"),
        ("500 3dr Street", "3rd Street"),
        ("500 13ht Street", "13th Street"),
        ("500 13h St", "13th Street"),
        ("13th Steet 500", "13th Street"),
        ("13th Streett 500", "13th Street"),
        ("500 23 rd Street", "23rd Street"),
        ("n point st 500", "North Point Street"),
    ] {
        let hit = first(text);
        assert_eq!((hit.level, hit.street.as_deref()), (Level::House, Some(expected)), "{text}");
    }
}

#[test]
fn a_street_is_found_by_each_of_its_names_and_named_as_asked() {
    assert_eq!(first("Mannerheimvägen 7 B").street.as_deref(), Some("Mannerheimintie"));
    assert_eq!(first("mannerheimvagen 7b").house_number.as_deref(), Some("7 B"));
    let swedish = Query { language: Some("sv".to_owned()), ..Query::new("Mannerheimintie 7 B") };
    assert_eq!(town().places.search(&swedish).unwrap()[0].street.as_deref(), Some("Mannerheimvägen"));
}

#[test]
fn names_written_together_or_too_short_for_single_words_are_found_by_their_letters() {
    assert_eq!(first("Fünflindenweg").street.as_deref(), Some("Fünf Linden Weg"));
    assert_eq!(first("Fumf Lindn Weg").street.as_deref(), Some("Fünf Linden Weg"));
    assert_eq!(first("fuenflindnweg").street.as_deref(), Some("Fünf Linden Weg"));
}

#[test]
fn words_cut_short_are_found_by_their_beginnings_with_a_full_stop_or_without() {
    for (text, expected) in [
        ("Land. 4 Ober.", "Landstraße 4, 9490 Oberdorf"),
        ("Land 4 Ober", "Landstraße 4, 9490 Oberdorf"),
        ("Land. 2 Unte.", "Landstraße 2, 9494 Unterdorf"),
        ("Land. 2 Unte", "Landstraße 2, 9494 Unterdorf"),
        ("Unte Land 2", "Landstraße 2, 9494 Unterdorf"),
        ("Mann. 7 B", "Mannerheimintie 7 B, 9490 Oberdorf"),
        ("Mann 7 B", "Mannerheimintie 7 B, 9490 Oberdorf"),
        ("Nort. Poin. Stre. 500", "North Point Street 500, 9490 Oberdorf"),
        ("Nort Poin Stre 500", "North Point Street 500, 9490 Oberdorf"),
    ] {
        assert_eq!((first(text).level, label(text).as_str()), (Level::House, expected), "{text}");
    }
}

#[test]
fn words_that_nobody_knows_do_not_hide_the_address() {
    let hit = first("c/o Meier, Landstraße 4, 2nd floor, Oberdorf, bell on the left");
    assert_eq!(hit.label, "Landstraße 4, 9490 Oberdorf");
}

#[test]
fn shops_and_villages_are_found_by_name() {
    let shop = first("Baeckerei Mueller");
    assert_eq!((shop.level, shop.category.as_deref()), (Level::Poi, Some("shop=bakery")));
    assert_eq!(shop.label, "Bäckerei Müller, Landstraße 2, 9490 Oberdorf");
    let village = first("Unterdorf");
    assert_eq!((village.level, village.category.as_deref()), (Level::Place, Some("place=village")));
    assert_eq!(first("Villhaut").name.as_deref(), Some("Oberdorf"));
    let postcode = first("9494");
    assert_eq!((postcode.level, postcode.label.as_str()), (Level::Place, "9494, Unterdorf"));
}

#[test]
fn houses_of_a_street_relation_are_found() {
    assert_eq!(first("Kirchstr. 8").level, Level::House);
    assert_eq!(town().summary.without_street, 1);
}

#[test]
fn the_country_comes_from_its_border() {
    assert_eq!(first("Landstraße 4").country.as_deref(), Some("LI"));
}

#[test]
fn while_somebody_types_the_last_word_may_be_unfinished() {
    let typed = |text: &str| {
        let query = Query { autocomplete: true, ..Query::new(text) };
        town().places.search(&query).unwrap()
    };
    assert_eq!(typed("land")[0].street.as_deref(), Some("Landstraße"));
    assert_eq!(typed("unterd")[0].label, "Unterdorf, 9494");
    assert_eq!(typed("north poi")[0].street.as_deref(), Some("North Point Street"));
    assert_eq!(typed("13th stre")[0].street.as_deref(), Some("13th Street"));
    assert_eq!(
        typed("mannerhiem")[0].street.as_deref(),
        Some("Mannerheimintie"),
        "a mistake in an unfinished word"
    );
    let numbers: Vec<Option<String>> =
        typed("Landstraße 1").into_iter().map(|hit| hit.house_number).collect();
    assert!(
        numbers.contains(&Some("10".to_owned())) && numbers.contains(&Some("12a".to_owned())),
        "{numbers:?}"
    );
}

#[test]
fn a_finished_word_is_a_beginning_only_where_nothing_fits_it_as_a_whole() {
    let hit = first("land");
    assert_eq!(hit.street.as_deref(), Some("Landstraße"));
    assert!(hit.confidence < first("landstraße").confidence, "{hit:?}");
    // "Egg" is a street: no other street that begins so is offered beside it.
    assert!(find("egg").iter().all(|hit| hit.street.as_deref() == Some("Egg")), "{:?}", find("egg"));
    assert_eq!(find("oberdorf").len(), 1, "a village is no beginning: {:?}", find("oberdorf"));
}

#[test]
fn layers_and_rectangles_leave_others_out() {
    let only = |layers: Layers| Query { layers, ..Query::new("Landstraße 2") };
    let none = Layers { addresses: false, streets: false, pois: false, places: false };
    let streets = town().places.search(&only(Layers { streets: true, ..none })).unwrap();
    assert!(!streets.is_empty() && streets.iter().all(|hit| hit.level == Level::Street));
    assert!(town().places.search(&only(none)).unwrap().is_empty());
    let east = Bounds { min: at(47.0, 9.56), max: at(47.2, 9.60) };
    let hits =
        town().places.search(&Query { bounds: Some(east), ..Query::new("Landstraße 2 Oberdorf") }).unwrap();
    assert!(!hits.is_empty() && hits.iter().all(|hit| east.contains(hit.point)));
}

#[test]
fn what_fits_nothing_has_no_answer() {
    for text in ["", "   ", "Xyzzyplugh", "!!!", "Qwrtzpsdfg 12"] {
        assert_eq!(find(text), [], "{text:?}");
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    for text in ["Landstraße", "500 Street", "Egg"] {
        assert_eq!(find(text), find(text));
    }
}
