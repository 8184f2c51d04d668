//! Draws one tile: finds what touches it, cuts, leaves out what is too small to see, joins lines and encodes.
//!
//! Pure: the same features and the same tile give the same bytes.

mod join;
mod layer;
pub mod mvt;

use std::collections::BTreeMap;
use std::ops::Deref;

use crate::feature::Layer;
use crate::geometry::{Geometry, Polygon, clip, ring, simplify};
use crate::mercator::{MAX_ZOOM, Rect, Spot, TileId};
use crate::pack::{Pack, Stored};
use layer::{Attributes, LayerBuilder, Shape};

/// Lines and areas are drawn this many steps beyond the tile, so that their edges and joints lie out of sight.
const BUFFER: i32 = 64;

/// The tile, or `None` when it lies outside of the map. Damaged features, which an opened [`Pack`] does not have, are
/// left out.
pub fn tile<B: Deref<Target = [u8]>>(pack: &Pack<B>, id: TileId) -> Option<Vec<u8>> {
    id.rect().common(pack.rect()).filter(|rect| rect.area() > 0)?;
    let frame = Frame::new(id, id.rect_with_buffer(BUFFER).common(pack.rect())?);
    let mut layers: BTreeMap<Layer, LayerBuilder> = BTreeMap::new();
    for mut stored in pack.search(&frame.rect).filter(|stored| stored.is_drawn_at(id.zoom())) {
        let (layer, order) = (stored.layer(), stored.order());
        if let Some((attributes, shape)) = frame.draw(&mut stored) {
            layers.entry(layer).or_default().add(order, attributes, shape);
        }
    }
    let encoded =
        layers.into_iter().filter_map(|(layer, builder)| builder.encode(layer, &frame, pack)).collect();
    Some(mvt::encode(encoded))
}

/// What depends on the tile only.
pub(crate) struct Frame {
    id: TileId,
    /// The tile with its buffer, but nothing beyond the map.
    rect: Rect,
    tolerance: i32,
}

impl Frame {
    fn new(id: TileId, rect: Rect) -> Self {
        let steps = match id.zoom() {
            MAX_ZOOM => 0,
            14 => 1,
            _ => 2,
        };
        Self { id, rect, tolerance: steps << id.shift() }
    }

    pub(crate) fn zoom(&self) -> u8 {
        self.id.zoom()
    }

    /// Attributes and the visible part of a feature; `None` when nothing of it is seen.
    fn draw(&self, stored: &mut Stored<'_>) -> Option<(Attributes, Shape)> {
        let layer = stored.layer();
        let least = self.least_area(layer);
        let attributes: Attributes = stored
            .attributes()?
            .into_iter()
            .filter(|attribute| attribute.min_zoom <= self.zoom())
            .map(|attribute| (attribute.key, layer::for_zoom(attribute.value, self.zoom())))
            .collect();
        let rect = stored.rect();
        let is_speck = rect.area() < least;
        let shape = match stored.geometry()? {
            Geometry::Point(spot) => Shape::Point(self.own(spot)?),
            Geometry::Lines(lines) => {
                Shape::Lines(lines.iter().flat_map(|line| clip::line(line, &self.rect)).collect())
            }
            Geometry::Areas(_) if is_speck => return None,
            Geometry::Areas(areas) => {
                Shape::Areas(areas.iter().filter_map(|area| self.area(area, least)).collect())
            }
        };
        (!shape.is_empty()).then_some((attributes, shape))
    }

    /// Points belong to one tile only: a label must not stand in two.
    fn own(&self, spot: Spot) -> Option<Spot> {
        let rect = self.id.rect();
        let inside =
            spot.x >= rect.min.x && spot.x < rect.max.x && spot.y >= rect.min.y && spot.y < rect.max.y;
        (inside && self.rect.contains(spot)).then_some(spot)
    }

    fn area(&self, area: &Polygon, least: i64) -> Option<Polygon> {
        let cut = clip::polygon(area, &self.rect)?;
        let outer = simplify::ring(&cut.outer, self.tolerance);
        if ring::area(&outer) < least.max(1) {
            return None;
        }
        let inner = cut
            .inner
            .iter()
            .map(|hole| simplify::ring(hole, self.tolerance))
            .filter(|hole| ring::area(hole) >= least.max(1))
            .collect();
        Some(Polygon { outer, inner })
    }

    /// Areas below this are left out, in square units: 2 by 2 points of a tile of 256 for the ground, one point for
    /// other layers, and next to nothing where clients magnify the tile. Sea and land have no holes at any zoom.
    fn least_area(&self, layer: Layer) -> i64 {
        let steps2: i64 = match (layer, self.zoom()) {
            (Layer::Earth, _) => 1,
            (_, MAX_ZOOM) => 16,
            (Layer::Landuse, _) => 1024,
            (Layer::Water, _) => 64,
            _ => 256,
        };
        steps2 << (2 * self.id.shift())
    }

    /// From units to steps of the tile.
    pub(crate) fn steps(&self, spot: Spot) -> Spot {
        let (rect, shift) = (self.id.rect(), self.id.shift());
        let half = 1 << (shift - 1);
        Spot { x: (spot.x - rect.min.x + half) >> shift, y: (spot.y - rect.min.y + half) >> shift }
    }

    pub(crate) fn tolerance(&self) -> i32 {
        self.tolerance
    }
}
