//! Layer `roads`: streets, paths, railways, ferries, piers and runways.

use osm::Tags;

use super::{Element, Sink, names};
use crate::feature::{Feature, Layer};

/// What the schema says about a class of streets.
struct Street<'a> {
    kind: &'a str,
    detail: &'a str,
    min_zoom: u8,
    name_zoom: u8,
}

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    if element.lines.is_none() || element.is_area_only() {
        return;
    }
    street(element, sink);
    other_way(element, sink);
}

fn street(element: &Element<'_>, sink: &mut Sink<'_>) {
    let tags = element.tags;
    let (Some(highway), Some(geometry)) = (tags.get("highway"), element.line()) else { return };
    let Some(street) = class(highway, tags) else { return };
    let is_closed_off = matches!(tags.get("access"), Some("private" | "no"));
    let min_zoom = if is_closed_off { street.min_zoom.max(15) } else { street.min_zoom };
    let feature = Feature::new(Layer::Roads, street.kind, min_zoom)
        .text("kind_detail", street.detail)
        .label_zoom(min_zoom)
        .number("sort_rank", 400)
        .text_from("ref", tags.get("ref"), 11)
        .text_from("oneway", tags.get("oneway"), 14)
        .text_from("access", tags.get("access"), 15)
        .text_from("service", tags.get("service").filter(|_| highway == "service"), 13)
        .flag_from("is_link", highway.ends_with("_link"), 0);
    let feature = level(feature, tags);
    sink(&names::add(feature, tags, street.name_zoom), &geometry);
}

/// `None` for what is not there, not yet there or no street.
fn class<'a>(highway: &'a str, tags: Tags<'a>) -> Option<Street<'a>> {
    let street = |kind, min_zoom, name_zoom| Street { kind, detail: highway, min_zoom, name_zoom };
    Some(match highway {
        "motorway" | "motorway_link" => street("highway", 3, 11),
        "trunk" | "trunk_link" => street("major_road", 6, 12),
        "primary" => street("major_road", 7, 12),
        "primary_link" => street("major_road", 7, 13),
        "secondary" => street("major_road", 9, 12),
        "tertiary" => street("major_road", 9, 13),
        "secondary_link" | "tertiary_link" => street("major_road", 9, 14),
        "residential" | "unclassified" | "road" | "raceway" | "living_street" => street("minor_road", 12, 14),
        "service" => street("minor_road", 13, 14),
        "pedestrian" | "track" => street("path", 12, 14),
        "corridor" => street("path", 14, 14),
        "footway" => match tags.get("footway") {
            Some(detail @ ("sidewalk" | "crossing")) => Street { detail, ..street("path", 14, 14) },
            _ => street("path", 13, 14),
        },
        "path" | "cycleway" | "bridleway" | "steps" => street("path", 13, 14),
        "proposed" | "abandoned" | "razed" | "demolished" | "removed" | "construction" | "elevator"
        | "platform" | "bus_stop" | "rest_area" | "services" => return None,
        _ => street("other", 14, 14),
    })
}

fn level<'a>(feature: Feature<'a>, tags: Tags<'_>) -> Feature<'a> {
    let has = |key| tags.get(key).is_some_and(|value| value != "no");
    let is_bridge = has("bridge");
    feature.flag_from("is_bridge", is_bridge, 12).flag_from("is_tunnel", !is_bridge && has("tunnel"), 12)
}

fn other_way(element: &Element<'_>, sink: &mut Sink<'_>) {
    let tags = element.tags;
    if tags.get("building").is_some() {
        return;
    }
    let Some((kind, detail, min_zoom)) = railway(tags).or_else(|| other_class(element)) else { return };
    let Some(geometry) = element.line() else { return };
    let feature = Feature::new(Layer::Roads, kind, min_zoom)
        .text_from("kind_detail", detail, 0)
        .label_zoom(min_zoom)
        .number("sort_rank", 400)
        .text_from("network", tags.get("network"), 0)
        .text_from("ref", tags.get("ref"), 0)
        .text_from("route", tags.get("route"), 0)
        .text_from("service", tags.get("service"), 0);
    sink(&names::add(level(feature, tags), tags, 12), &geometry);
}

type Class<'a> = (&'static str, Option<&'a str>, u8);

fn railway(tags: Tags<'_>) -> Option<Class<'_>> {
    let railway = tags.get("railway")?;
    let min_zoom = match (railway, tags.get("service")) {
        (
            "abandoned" | "razed" | "demolished" | "removed" | "construction" | "platform" | "platform_edge"
            | "proposed" | "station" | "no",
            _,
        ) => return None,
        ("disused", _) => 15,
        (
            "funicular" | "light_rail" | "miniature" | "monorail" | "narrow_gauge" | "preserved" | "subway"
            | "tram",
            _,
        )
        | ("service", Some(_)) => 14,
        ("service", None) | (_, Some("service" | "yard" | "siding" | "crossover" | "spur")) => 13,
        _ => 11,
    };
    Some(("rail", Some(railway), min_zoom))
}

fn other_class<'a>(element: &Element<'a>) -> Option<Class<'a>> {
    let tags = element.tags;
    if tags.is("route", "ferry") {
        Some(("ferry", None, 11))
    } else if tags.is("aerialway", "cable_car") {
        Some(("aerialway", Some("cable_car"), 11))
    } else if tags.is("aeroway", "taxiway") {
        Some(("aeroway", Some("taxiway"), 10))
    } else if tags.is("aeroway", "runway") {
        Some(("aeroway", Some("runway"), 9))
    } else if tags.is("man_made", "pier") && element.areas.is_none() {
        Some(("path", Some("pier"), 13))
    } else {
        None
    }
}
