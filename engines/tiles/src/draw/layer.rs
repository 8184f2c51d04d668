//! The features of one layer of a tile: those that look alike are one feature with several parts.

use std::collections::HashMap;
use std::ops::Deref;

use super::mvt::{GeometryType, Pen, TileFeature, TileLayer, TileValue};
use super::{Frame, join};
use crate::feature::Layer;
use crate::geometry::{Polygon, ring, simplify};
use crate::mercator::{MAX_ZOOM, Spot};
use crate::pack::{Pack, StoredValue};

/// Key and value, texts as numbers of the pack.
pub type Attributes = Vec<(u32, StoredValue)>;

/// The visible part of a geometry, in units.
pub enum Shape {
    Point(Spot),
    Lines(Vec<Vec<Spot>>),
    Areas(Vec<Polygon>),
}

impl Shape {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Point(_) => false,
            Self::Lines(lines) => lines.is_empty(),
            Self::Areas(areas) => areas.is_empty(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Areas(_) => 0,
            Self::Lines(_) => 1,
            Self::Point(_) => 2,
        }
    }
}

/// Heights are rounded where buildings are small, so that more of them look alike (5 metres at zoom 14, then 10, 20).
pub fn for_zoom(value: StoredValue, zoom: u8) -> StoredValue {
    let StoredValue::Tenths(tenths) = value else { return value };
    let step = match zoom {
        MAX_ZOOM.. => return value,
        14 => 50,
        13 => 100,
        _ => 200,
    };
    // Never down to nothing: what is low stays a building.
    StoredValue::Tenths((tenths.saturating_add(step / 2) / step).max(1) * step)
}

/// Collects the features of a layer.
#[derive(Default)]
pub struct LayerBuilder {
    features: Vec<(u32, Attributes, Shape)>,
    /// The first feature of each look.
    alike: HashMap<(u32, u8, Attributes), usize>,
}

impl LayerBuilder {
    pub fn add(&mut self, order: u32, attributes: Attributes, shape: Shape) {
        // Areas are only put together where there are thousands of equal ones; points stay labels of their own.
        let rank = shape.rank();
        if rank < 2 {
            let next = self.features.len();
            let first = *self.alike.entry((order, rank, attributes.clone())).or_insert(next);
            match (self.features.get_mut(first), shape) {
                (Some((_, _, Shape::Lines(lines))), Shape::Lines(more)) => return lines.extend(more),
                (Some((_, _, Shape::Areas(areas))), Shape::Areas(more)) => return areas.extend(more),
                (_, shape) => return self.features.push((order, attributes, shape)),
            }
        }
        self.features.push((order, attributes, shape));
    }

    /// `None` when nothing is left of the features.
    pub fn encode<B: Deref<Target = [u8]>>(
        mut self,
        layer: Layer,
        frame: &Frame,
        pack: &Pack<B>,
    ) -> Option<TileLayer> {
        // Stable: features of one order stay in that of the file.
        self.features.sort_by_key(|(order, _, shape)| (shape.rank(), *order));
        let mut tables = Tables { layer: TileLayer::new(layer.name()), ..Tables::default() };
        for (_, attributes, shape) in self.features {
            let may_turn = !attributes.iter().any(|(key, _)| pack.text(*key) == Some("oneway"));
            let (kind, geometry) = commands(shape, frame, may_turn);
            if geometry.is_empty() {
                continue;
            }
            let Some(tags) = tables.tags(&attributes, pack) else { continue };
            let feature = TileFeature { tags, r#type: Some(kind.into()), geometry };
            tables.layer.features.push(feature);
        }
        (!tables.layer.features.is_empty()).then_some(tables.layer)
    }
}

fn commands(shape: Shape, frame: &Frame, may_turn: bool) -> (GeometryType, Vec<u32>) {
    let mut pen = Pen::default();
    let kind = match shape {
        Shape::Point(spot) => {
            pen.point(frame.steps(spot));
            GeometryType::Point
        }
        Shape::Lines(lines) => {
            for line in join::lines(lines, may_turn) {
                let mut spots: Vec<Spot> = simplify::line(&line, frame.tolerance())
                    .into_iter()
                    .map(|spot| frame.steps(spot))
                    .collect();
                spots.dedup();
                pen.line(&spots);
            }
            GeometryType::LineString
        }
        Shape::Areas(areas) => {
            for area in &areas {
                draw_area(area, frame, &mut pen);
            }
            GeometryType::Polygon
        }
    };
    (kind, pen.finish())
}

fn draw_area(area: &Polygon, frame: &Frame, pen: &mut Pen) {
    let Some(outer) = ring_steps(&area.outer, frame, true) else { return };
    pen.ring(&outer);
    area.inner.iter().filter_map(|hole| ring_steps(hole, frame, false)).for_each(|hole| pen.ring(&hole));
}

/// The ring in steps, turned as asked; `None` when rounding left no area of it.
fn ring_steps(spots: &[Spot], frame: &Frame, clockwise: bool) -> Option<Vec<Spot>> {
    let mut steps: Vec<Spot> = spots.iter().map(|spot| frame.steps(*spot)).collect();
    ring::tidy(&mut steps);
    if steps.len() < 3 || ring::signed_area2(&steps) == 0 {
        return None;
    }
    ring::turn(&mut steps, clockwise);
    Some(steps)
}

/// Keys and values of a layer, each once.
#[derive(Default)]
struct Tables {
    layer: TileLayer,
    keys: HashMap<u32, u32>,
    values: HashMap<StoredValue, u32>,
}

impl Tables {
    fn tags<B: Deref<Target = [u8]>>(&mut self, attributes: &Attributes, pack: &Pack<B>) -> Option<Vec<u32>> {
        let mut tags = Vec::with_capacity(attributes.len() * 2);
        for (key, value) in attributes {
            tags.push(self.key(*key, pack)?);
            tags.push(self.value(*value, pack)?);
        }
        Some(tags)
    }

    fn key<B: Deref<Target = [u8]>>(&mut self, text: u32, pack: &Pack<B>) -> Option<u32> {
        if let Some(number) = self.keys.get(&text) {
            return Some(*number);
        }
        let number = u32::try_from(self.layer.keys.len()).ok()?;
        self.layer.keys.push(pack.text(text)?.to_owned());
        self.keys.insert(text, number);
        Some(number)
    }

    fn value<B: Deref<Target = [u8]>>(&mut self, value: StoredValue, pack: &Pack<B>) -> Option<u32> {
        if let Some(number) = self.values.get(&value) {
            return Some(*number);
        }
        let number = u32::try_from(self.layer.values.len()).ok()?;
        let mut written = TileValue::default();
        match value {
            StoredValue::Text(text) => written.string_value = Some(pack.text(text)?.to_owned()),
            StoredValue::Number(value) => written.int_value = Some(value),
            StoredValue::Tenths(value) => written.double_value = Some(tenths(value)),
            StoredValue::Flag(value) => written.bool_value = Some(value),
        }
        self.layer.values.push(written);
        self.values.insert(value, number);
        Some(number)
    }
}

#[expect(clippy::cast_precision_loss, reason = "heights are small numbers")]
fn tenths(value: i64) -> f64 {
    value as f64 / 10.0
}
