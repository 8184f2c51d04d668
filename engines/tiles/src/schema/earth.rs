//! Layer `earth`: the land, cliffs and the names of islands; and the sea, which belongs to the layer `water`.

use super::{Element, Sink, names, water};
use crate::coast::Surface;
use crate::feature::{Feature, Layer};
use crate::geometry::{Geometry, Polygon, ring, split};

/// Larger polygons are cut into pieces: every tile goes through all spots of the pieces that it touches.
const MOST_SPOTS: usize = 512;

pub fn surface(surface: Surface, sink: &mut Sink<'_>) {
    let land = Feature::new(Layer::Earth, "earth", 0).number("sort_rank", 0);
    let sea = Feature::new(Layer::Water, "ocean", 0).number("sort_rank", water::SORT_RANK);
    for (feature, polygons) in [(land, surface.land), (sea, surface.sea)] {
        for piece in polygons.into_iter().flat_map(|polygon| split::pieces(polygon, MOST_SPOTS)) {
            sink(&feature, &Geometry::Areas(vec![piece]));
        }
    }
}

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    let tags = element.tags;
    if tags.is("natural", "cliff")
        && let Some(geometry) = element.line_only()
    {
        let feature = Feature::new(Layer::Earth, "cliff", 12).label_zoom(12);
        sink(&names::add(feature, tags, 0), &geometry);
    }
    if matches!(tags.get("place"), Some("island" | "islet"))
        && let Some(areas) = &element.areas
        && let Some(spot) = ring::label_spot(areas)
    {
        let feature = Feature::new(Layer::Earth, "island", island_zoom(areas));
        sink(&names::add(feature, tags, 0), &Geometry::Point(spot));
    }
}

/// The name appears once the island is 20 points wide, in tiles of 256 points.
fn island_zoom(areas: &[Polygon]) -> u8 {
    let side = areas
        .iter()
        .filter_map(Polygon::rect)
        .map(|rect| i64::from(rect.width().max(rect.height())))
        .max()
        .unwrap_or(0);
    (6..15).find(|zoom| side * 256 >= 20 * (i64::from(crate::mercator::WORLD) >> zoom)).unwrap_or(15)
}
