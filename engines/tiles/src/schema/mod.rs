//! Which elements of the extract become which features: the Protomaps basemap schema, version 4, for what one extract
//! can tell. One module for each layer.
//!
//! Left out, because it comes from other sources than OpenStreetMap or concerns whole continents: the layer
//! `landcover` (zooms 0 to 7), places and boundaries of Natural Earth below zoom 6, and ranks by visits of encyclopedia
//! pages. Road shields need sprites, which the styles here do not use; the reference stays as `ref`.

mod boundaries;
mod buildings;
mod earth;
mod landuse;
mod names;
mod places;
mod pois;
mod roads;
mod water;

pub use boundaries::Levels;

use osm::Tags;

use crate::feature::Feature;
use crate::geometry::{Geometry, Polygon};
use crate::mercator::{Rect, Spot, square_m_per_square_unit};

/// An element of the extract with the geometries that it can be drawn with: a closed way may be a line and an area.
pub struct Element<'a> {
    pub tags: Tags<'a>,
    pub point: Option<Spot>,
    pub lines: Option<Vec<Vec<Spot>>>,
    pub areas: Option<Vec<Polygon>>,
    /// The lowest (most important) administrative level among the boundaries that this way is part of.
    pub level: Option<boundaries::Level>,
}

/// Where features go.
pub type Sink<'s> = dyn FnMut(&Feature<'_>, &Geometry) + 's;

/// Everything that one element becomes.
pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    if element.tags.is_empty() && element.level.is_none() {
        return;
    }
    roads::features(element, sink);
    buildings::features(element, sink);
    landuse::features(element, sink);
    water::features(element, sink);
    earth::features(element, sink);
    pois::features(element, sink);
    places::features(element, sink);
    boundaries::features(element, sink);
}

/// Sea and land of the whole extract.
pub fn surface(surface: crate::coast::Surface, sink: &mut Sink<'_>) {
    earth::surface(surface, sink);
}

impl Element<'_> {
    /// An area that is no line as well, for rules that draw one or the other.
    fn line_only(&self) -> Option<Geometry> {
        if self.areas.is_some() { None } else { self.line() }
    }

    fn line(&self) -> Option<Geometry> {
        self.lines.clone().map(Geometry::Lines)
    }

    fn area(&self) -> Option<Geometry> {
        self.areas.clone().map(Geometry::Areas)
    }

    fn is_area_only(&self) -> bool {
        self.tags.is("area", "yes")
    }
}

/// Square metres as web Mercator inflates them.
#[expect(clippy::cast_precision_loss, reason = "a size for choosing a zoom")]
fn size_m2(areas: &[Polygon]) -> f64 {
    areas.iter().map(|area| area.area() as f64).sum::<f64>() * square_m_per_square_unit()
}

/// Square metres of the box around the areas, inflated likewise.
#[expect(clippy::cast_precision_loss, reason = "a size for choosing a zoom")]
fn box_m2(areas: &[Polygon]) -> f64 {
    let rect = areas.iter().filter_map(Polygon::rect).reduce(Rect::union);
    rect.map_or(0.0, |rect| rect.area() as f64 * square_m_per_square_unit())
}

/// Large areas come first, so that a wood does not hide the meadow in it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of a size is a small number, and the cast saturates"
)]
fn large_first(areas: &[Polygon]) -> u32 {
    10_000 - ((size_m2(areas) + 1.0).log2() * 200.0).clamp(0.0, 10_000.0) as u32
}

/// A whole number as OpenStreetMap writes it; `None` for anything else.
fn whole(text: Option<&str>) -> Option<i64> {
    text?.trim().parse().ok()
}
