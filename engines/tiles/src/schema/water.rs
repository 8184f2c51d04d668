//! Layer `water`: lakes, rivers, pools, and the names of waters. The sea comes from the coast.

use osm::Tags;

use super::{Element, Sink, names, size_m2, whole};
use crate::feature::{Feature, Layer};
use crate::geometry::{Geometry, ring};

/// Rank of water in the drawing order of the schema.
pub const SORT_RANK: i64 = 200;

struct Water<'a> {
    kind: &'a str,
    detail: Option<&'a str>,
    min_zoom: Option<u8>,
    /// A bay has a name and no outline of its own: its water is the sea's.
    is_only_a_name: bool,
}

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    let Some(water) = class(element.tags) else { return };
    if let Some(geometry) = element.area().filter(|_| !water.is_only_a_name) {
        area(element.tags, &water, &geometry, sink);
    } else if let Some(geometry) = element.line_only() {
        line(element.tags, &water, &geometry, sink);
    }
    name(element, &water, sink);
}

fn class(tags: Tags<'_>) -> Option<Water<'_>> {
    let found = |kind, min_zoom| Some(Water { kind, detail: None, min_zoom, is_only_a_name: false });
    let only_a_name = |kind| Some(Water { kind, detail: None, min_zoom: None, is_only_a_name: true });
    if tags.is("covered", "yes") {
        return None;
    }
    match (tags.get("waterway"), tags.get("natural"), tags.get("place")) {
        (_, _, Some("sea")) => return only_a_name("sea"),
        (_, _, Some("ocean")) => return only_a_name("ocean"),
        (Some("riverbank"), ..) => return found("riverbank", None),
        (Some("dock"), ..) => return found("dock", None),
        (_, Some("water"), _) => {
            let detail = water_detail(tags.get("water"));
            return Some(Water { kind: "water", detail, min_zoom: None, is_only_a_name: false });
        }
        (_, Some(kind @ ("fjord" | "strait" | "bay")), _) => return only_a_name(kind),
        (Some(kind @ ("drain" | "ditch")), ..) => return found(kind, Some(15)),
        (Some("stream"), ..) => return found("stream", Some(13)),
        (Some("river"), ..) => return found("river", Some(9)),
        (Some("canal"), ..) => return found("canal", Some(if tags.is("boat", "yes") { 9 } else { 10 })),
        (_, Some("reef"), _) => return found("reef", None),
        _ => {}
    }
    if tags.is("amenity", "fountain") {
        found("fountain", None)
    } else if tags.is("landuse", "basin") {
        found("basin", None)
    } else if tags.is("landuse", "reservoir") {
        found("lake", None)
    } else if tags.is("leisure", "swimming_pool") || tags.is("amenity", "swimming_pool") {
        found("swimming_pool", None)
    } else {
        None
    }
}

fn water_detail(water: Option<&str>) -> Option<&str> {
    match water? {
        detail @ ("basin" | "canal" | "ditch" | "drain" | "lake" | "river" | "stream") => Some(detail),
        "lagoon" | "oxbow" | "pond" | "reservoir" | "wastewater" => Some("lake"),
        _ => None,
    }
}

fn area(tags: Tags<'_>, water: &Water<'_>, geometry: &Geometry, sink: &mut Sink<'_>) {
    let feature = Feature::new(Layer::Water, water.kind, 6)
        .text_from("kind_detail", water.detail, 0)
        .number("sort_rank", SORT_RANK)
        .text_from("bridge", tags.get("bridge"), 14)
        .text_from("tunnel", tags.get("tunnel"), 14)
        .number_from("layer", whole(tags.get("layer")), 14);
    sink(&feature, geometry);
}

fn line(tags: Tags<'_>, water: &Water<'_>, geometry: &Geometry, sink: &mut Sink<'_>) {
    // A covered brook is not seen, and the styles would draw it over the streets.
    if tags.get("tunnel").is_some_and(|tunnel| tunnel != "no") {
        return;
    }
    let min_zoom = water.min_zoom.unwrap_or(12);
    let feature = Feature::new(Layer::Water, water.kind, min_zoom)
        .label_zoom(min_zoom)
        .number_from("layer", whole(tags.get("layer")), 14)
        .number("sort_rank", SORT_RANK);
    sink(&names::add(feature, tags, 0), geometry);
}

fn name(element: &Element<'_>, water: &Water<'_>, sink: &mut Sink<'_>) {
    let (spot, min_zoom) = if let Some(spot) = element.point {
        (spot, water.min_zoom.unwrap_or(15))
    } else if let Some(areas) = element.areas.as_deref().filter(|_| element.tags.get("name").is_some()) {
        let Some(spot) = ring::label_spot(areas) else { return };
        (spot, water.min_zoom.unwrap_or_else(|| name_zoom(size_m2(areas))))
    } else {
        return;
    };
    let feature = Feature::new(Layer::Water, water.kind, min_zoom)
        .text_from("kind_detail", water.detail, 0)
        .label_zoom(min_zoom)
        .number("sort_rank", SORT_RANK);
    sink(&names::add(feature, element.tags, 0), &Geometry::Point(spot));
}

/// The name appears once the water covers 70,000 square metres times four for each zoom before the last.
fn name_zoom(size_m2: f64) -> u8 {
    (6..15).find(|zoom| size_m2 / 70_000.0 > 4_f64.powi(15 - i32::from(*zoom))).unwrap_or(15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_lake_is_named_before_a_pond() {
        assert_eq!(name_zoom(1_000.0), 15);
        assert_eq!(name_zoom(400_000.0), 14);
        assert_eq!(name_zoom(1e9), 9);
    }
}
