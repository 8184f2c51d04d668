//! Layer `buildings`: outlines with their height, and house numbers as points.

use super::{Element, Sink, whole};
use crate::feature::{Feature, Layer};
use crate::geometry::{Geometry, ring};

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    outline(element, sink);
    house_number(element, sink);
}

fn outline(element: &Element<'_>, sink: &mut Sink<'_>) {
    let tags = element.tags;
    let is = |key| tags.get(key).is_some_and(|value| value != "no");
    let is_part = is("building:part");
    if !is("building") && !is_part {
        return;
    }
    let Some(geometry) = element.area() else { return };
    let (kind, min_zoom) = if is_part { ("building_part", 14) } else { ("building", 11) };
    let mut feature = Feature::new(Layer::Buildings, kind, min_zoom)
        .number_from("layer", whole(tags.get("layer")), 13)
        .tenths("height", height_tenths(tags.get("height"), tags.get("building:levels")))
        .number("sort_rank", 400);
    if is_part {
        feature = feature
            .text_from("kind_detail", tags.get("building:part"), 0)
            .tenths("min_height", tags.get("min_height").and_then(tenths));
    }
    sink(&feature, &geometry);
}

fn house_number(element: &Element<'_>, sink: &mut Sink<'_>) {
    let Some(number) = element.tags.get("addr:housenumber") else { return };
    let centre = || element.areas.as_deref().and_then(ring::label_spot);
    let Some(spot) = element.point.or_else(centre) else { return };
    let feature =
        Feature::new(Layer::Buildings, "address", 15).text("addr_housenumber", number).ordered(u32::MAX);
    sink(&feature, &Geometry::Point(spot));
}

/// The height, else two metres and three more for each level, as the schema estimates it. In tenths of a metre.
fn height_tenths(height: Option<&str>, levels: Option<&str>) -> Option<i64> {
    let from_levels = || levels.and_then(tenths).map(|levels| levels.max(10) * 3 + 20);
    height.and_then(tenths).or_else(from_levels)
}

/// A number of metres with or without its unit and with either decimal sign, in tenths; `None` for anything else and
/// beyond a kilometre, which no building reaches.
#[expect(clippy::cast_possible_truncation, reason = "the range was checked before")]
fn tenths(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_suffix('m').map_or(text, str::trim_end).replace(',', ".");
    let value: f64 = text.parse().ok()?;
    (0.0..=1000.0).contains(&value).then(|| (value * 10.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_read_as_people_write_them() {
        assert_eq!(height_tenths(Some("12.5"), None), Some(125));
        assert_eq!(height_tenths(Some("89,1 m"), None), Some(891));
        assert_eq!(height_tenths(Some("high"), Some("4")), Some(140));
        assert_eq!(height_tenths(None, Some("0")), Some(50));
        assert_eq!(height_tenths(Some("1e300"), None), None);
        assert_eq!(height_tenths(None, None), None);
    }
}
