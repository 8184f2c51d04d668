//! Layer `pois`: places of interest, from nodes and from areas with a name.

use osm::Tags;

use super::{Element, Sink, box_m2, names};
use crate::feature::{Feature, Layer};
use crate::geometry::{Geometry, ring};
use crate::mercator::MAX_ZOOM;

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    let tags = element.tags;
    let named_area = element.areas.as_deref().filter(|_| tags.get("name").is_some());
    if element.point.is_none() && named_area.is_none() {
        return;
    }
    let Some(kind) = kind(tags) else { return };
    let (spot, min_zoom) = match (named_area, element.point) {
        (Some(areas), _) => (ring::label_spot(areas), area_zoom(kind, box_m2(areas) / 70.0, tags)),
        (None, point) => (point, point_zoom(kind, tags)),
    };
    let Some(spot) = spot else { return };
    let detail = tags.get("cuisine").or(tags.get("religion")).or(tags.get("sport"));
    let feature = Feature::new(Layer::Pois, kind, min_zoom.min(MAX_ZOOM))
        .ordered(u32::from(min_zoom))
        .label_zoom(min_zoom)
        .text_from("iata", tags.get("iata"), 0)
        .text_from("kind_detail", detail, 0);
    sink(&names::add(feature, tags, 0), &Geometry::Point(spot));
}

/// Which tag tells the kind. The more telling key wins; `None` when the element is of no interest.
fn kind(tags: Tags<'_>) -> Option<&str> {
    let one_of = |key: &str, values: &[&str]| tags.get(key).filter(|value| values.contains(value));
    let of_interest = ["amenity", "attraction", "craft", "historic", "leisure", "shop", "tourism"]
        .iter()
        .any(|key| tags.get(key).is_some())
        || one_of("aeroway", &["aerodrome"]).is_some()
        || one_of("boundary", &["national_park", "protected_area"]).is_some()
        || one_of("highway", &["bus_stop"]).is_some()
        || one_of("natural", &["beach", "peak"]).is_some()
        || one_of("railway", &["station"]).is_some()
        || one_of("landuse", &LANDUSE).is_some();
    if !of_interest {
        return None;
    }
    let certain = one_of("aeroway", &["aerodrome"])
        .or_else(|| one_of("landuse", &["cemetery", "military"]))
        .or_else(|| one_of("leisure", &["golf_course", "marina", "stadium", "park"]))
        .or_else(|| one_of("shop", &["grocery", "supermarket"]))
        .or_else(|| one_of("tourism", &["attraction", "camp_site", "hotel"]))
        .or_else(|| one_of("highway", &["bus_stop"]))
        .or_else(|| one_of("natural", &["peak"]))
        .or_else(|| one_of("boundary", &["national_park"]))
        .or_else(|| one_of("landuse", &["forest"]));
    certain.or_else(|| {
        let keys = [
            "amenity",
            "attraction",
            "craft",
            "aeroway",
            "landuse",
            "leisure",
            "natural",
            "railway",
            "highway",
            "shop",
            "tourism",
            "historic",
            "boundary",
        ];
        keys.iter().find_map(|key| tags.get(key)).filter(|value| *value != "no")
    })
}

const LANDUSE: [&str; 8] = [
    "cemetery",
    "recreation_ground",
    "winter_sports",
    "quarry",
    "forest",
    "military",
    "village_green",
    "allotments",
];

/// Shops and services that appear late, because a street is full of them.
const MINOR: &[&str] = &[
    "clinic",
    "dentist",
    "doctors",
    "social_facility",
    "baby_hatch",
    "childcare",
    "car_sharing",
    "bureau_de_change",
    "emergency_phone",
    "karaoke",
    "karaoke_box",
    "money_transfer",
    "car_wash",
    "hunting_stand",
    "studio",
    "boat_storage",
    "gambling",
    "adult_gaming_centre",
    "sanitary_dump_station",
    "animal",
    "roller_coaster",
    "summer_toboggan",
    "carousel",
    "amusement_ride",
    "maze",
    "memorial",
    "district",
    "pitch",
    "playground",
    "slipway",
    "scuba_diving",
    "atv",
    "motorcycle",
    "snowmobile",
    "art",
    "bakery",
    "beauty",
    "bookmaker",
    "books",
    "butcher",
    "car",
    "car_parts",
    "car_repair",
    "clothes",
    "computer",
    "convenience",
    "fashion",
    "florist",
    "garden_centre",
    "gift",
    "golf",
    "greengrocer",
    "grocery",
    "hairdresser",
    "hifi",
    "jewelry",
    "lottery",
    "mobile_phone",
    "newsagent",
    "optician",
    "perfumery",
    "ship_chandler",
    "stationery",
    "tobacco",
    "travel_agency",
    "artwork",
    "hanami",
    "trail_riding_station",
    "bed_and_breakfast",
    "chalet",
    "guest_house",
    "hostel",
];

/// Furniture of the street that appears late when it has no name.
const MINOR_WITHOUT_NAME: &[&str] = &[
    "atm",
    "bbq",
    "bench",
    "bicycle_parking",
    "bicycle_rental",
    "bicycle_repair_station",
    "boat_storage",
    "bureau_de_change",
    "car_rental",
    "car_sharing",
    "car_wash",
    "charging_station",
    "customs",
    "drinking_water",
    "fuel",
    "harbourmaster",
    "hunting_stand",
    "karaoke_box",
    "life_ring",
    "money_transfer",
    "motorcycle_parking",
    "parking",
    "picnic_table",
    "post_box",
    "ranger_station",
    "recycling",
    "sanitary_dump_station",
    "shelter",
    "shower",
    "taxi",
    "telephone",
    "toilets",
    "waste_basket",
    "waste_disposal",
    "water_point",
    "watering_place",
    "landmark",
    "wayside_cross",
    "dog_park",
    "firepit",
    "fishing",
    "pitch",
    "playground",
    "slipway",
    "swimming_area",
    "alpine_hut",
    "information",
    "picnic_site",
    "viewpoint",
    "wilderness_hut",
];

fn point_zoom(kind: &str, tags: Tags<'_>) -> u8 {
    match kind {
        "bus_stop" => 17,
        "aerodrome" if tags.get("iata").is_some() => 11,
        "national_park" => 11,
        "hospital" => 12,
        "aerodrome" | "library" | "post_office" | "townhall" | "golf_course" | "marina" | "stadium"
        | "peak" => 13,
        "university" | "college" | "cemetery" | "park" | "supermarket" | "station" => 14,
        kind if MINOR.contains(&kind) => 16,
        kind if MINOR_WITHOUT_NAME.contains(&kind) && tags.get("name").is_none() => 16,
        _ => 15,
    }
}

/// Sizes (in units of 70 square metres, of the box around the area) from which on a kind appears at a zoom.
type Steps = &'static [(f64, u8)];

const GREEN: Steps = &[
    (1e7, 7),
    (4e6, 8),
    (1e6, 9),
    (2.5e5, 10),
    (1.5e4, 11),
    (5_000.0, 12),
    (1_000.0, 13),
    (250.0, 14),
    (10.0, 15),
    (1.0, 16),
    (0.0, 17),
];
const NATIONAL_PARK: Steps = &[
    (3e8, 5),
    (2.5e7, 6),
    (1e7, 7),
    (2e6, 8),
    (2.5e5, 9),
    (1e5, 10),
    (2e4, 11),
    (5_000.0, 12),
    (1_000.0, 13),
    (250.0, 14),
    (0.0, 17),
];
const CAMPUS: Steps =
    &[(2e7, 7), (5e6, 8), (2.5e5, 9), (1.5e5, 10), (1e5, 11), (5e4, 12), (2e4, 13), (5_000.0, 14), (0.0, 15)];
const GROUNDS: Steps = &[
    (2e7, 7),
    (5e6, 8),
    (2.5e5, 9),
    (1e5, 10),
    (2e4, 11),
    (5_000.0, 12),
    (1_000.0, 13),
    (10.0, 14),
    (0.0, 15),
];
const SCHOOL: Steps = &[(5_000.0, 12), (1_000.0, 13), (100.0, 14), (10.0, 15), (0.0, 16)];
const ALLOTMENTS: Steps = &[(10.0, 15), (0.0, 16)];
const OTHER: Steps = &[(1e4, 11), (2_000.0, 12), (500.0, 13), (10.0, 14), (0.0, 15)];

fn area_zoom(kind: &str, size: f64, tags: Tags<'_>) -> u8 {
    let steps = match kind {
        "playground" => return 17,
        "allotments" => ALLOTMENTS,
        "cemetery" | "school" => SCHOOL,
        "national_park" => NATIONAL_PARK,
        "college" | "university" => CAMPUS,
        "forest" | "park" | "protected_area" | "nature_reserve" | "village_green" => GREEN,
        "aerodrome" | "golf_course" | "military" | "naval_base" | "stadium" | "zoo" => GROUNDS,
        _ => OTHER,
    };
    let by_size = steps.iter().find(|(from, _)| size >= *from).map_or(15, |(_, zoom)| *zoom);
    let zoom = match kind {
        "aerodrome" if tags.get("iata").is_some() => by_size.saturating_sub(2).max(10),
        "aerodrome" => by_size.max(12),
        _ => by_size,
    };
    // A long name needs room.
    let letters = tags.get("name").map_or(0, |name| name.chars().count());
    match letters {
        46.. if zoom < 14 => zoom + 2,
        31.. if zoom < 14 => zoom + 1,
        _ => zoom,
    }
}
