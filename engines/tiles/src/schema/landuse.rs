//! Layer `landuse`: what the ground is used for or covered with.

use osm::Tags;

use super::{Element, Sink, large_first};
use crate::feature::{Feature, Layer};

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    let Some(areas) = &element.areas else { return };
    let Some(kind) = kind(element.tags) else { return };
    let feature = Feature::new(Layer::Landuse, kind, 2).number("sort_rank", 189).ordered(large_first(areas));
    if let Some(geometry) = element.area() {
        sink(&feature, &geometry);
    }
}

/// The rules of the schema, the later ones first because they win there.
fn kind<'a>(tags: Tags<'a>) -> Option<&'a str> {
    let one_of = |key: &str, values: &[&str]| tags.get(key).filter(|value| values.contains(value));
    let is = |key: &str, value: &str, kind: &'a str| tags.is(key, value).then_some(kind);
    let nature_park = || {
        let is_national =
            one_of("protect_class", &["2", "3"]).is_some() || tags.is("designation", "national_park");
        is("boundary", "national_park", if is_national { "national_park" } else { "park" })
    };
    nature_park()
        .or_else(|| one_of("area:aeroway", &["taxiway", "runway"]))
        .or_else(|| is("man_made", "bridge", "pedestrian"))
        .or_else(|| one_of("landuse", &["farmyard", "orchard", "vineyard"]).map(|_| "farmland"))
        .or_else(|| is("landuse", "brownfield", "industrial"))
        .or_else(|| {
            one_of("military", &["airfield", "naval_base"]).filter(|_| tags.is("landuse", "military"))
        })
        .or_else(|| is("tourism", "zoo", "zoo"))
        .or_else(|| is("railway", "platform", "platform"))
        .or_else(|| is("waterway", "dam", "dam"))
        .or_else(|| walkers(tags))
        .or_else(|| {
            one_of(
                "natural",
                &["beach", "wood", "glacier", "grassland", "scrub", "sand", "wetland", "bare_rock"],
            )
        })
        .or_else(|| is("man_made", "pier", "pier"))
        .or_else(|| {
            let leisure =
                &["park", "garden", "golf_course", "dog_park", "playground", "pitch", "nature_reserve"];
            one_of("leisure", leisure)
        })
        .or_else(|| one_of("aeroway", &["aerodrome", "runway"]))
        .or_else(|| {
            let landuse = &[
                "recreation_ground",
                "industrial",
                "railway",
                "cemetery",
                "commercial",
                "grass",
                "farmland",
                "residential",
                "military",
                "village_green",
                "allotments",
                "forest",
                "meadow",
            ];
            one_of("landuse", landuse)
        })
        .or_else(|| one_of("amenity", &["hospital", "school", "kindergarten", "university", "college"]))
}

/// Squares and the like. A relation is an area by its nature, and many mappers leave the tag out there.
fn walkers(tags: Tags<'_>) -> Option<&'static str> {
    let is_area = tags.is("area", "yes") || tags.is("type", "multipolygon");
    (is_area && matches!(tags.get("highway"), Some("pedestrian" | "footway"))).then_some("pedestrian")
}
