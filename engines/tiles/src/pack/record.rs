//! One feature as bytes.
//!
//! ```text
//! layer, geometry (0 point, 1 lines, 2 areas), min zoom, max zoom      one byte each
//! order                                                               number
//! count of attributes; each: key (text), from zoom (byte), type (byte), value
//! count of parts; each: 1 for an inner ring, else 0 (byte), count of spots, differences of x and y
//! ```
//!
//! Numbers have seven bits in a byte, lower ones first; signed ones are folded so that small ones stay short.

use super::wire::{self, Cursor};
use crate::feature::{Attribute, Feature, Layer, Value};
use crate::geometry::{Geometry, Polygon};
use crate::mercator::Spot;

const POINT: u8 = 0;
const LINES: u8 = 1;
const AREAS: u8 = 2;

/// A value whose text is still a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoredValue {
    Text(u32),
    Number(i64),
    Tenths(i64),
    Flag(bool),
}

/// What stands before the attributes.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    pub layer: Layer,
    pub geometry: u8,
    pub min_zoom: u8,
    pub max_zoom: u8,
    pub order: u32,
}

/// An attribute whose texts are still numbers.
#[derive(Clone, Copy, Debug)]
pub struct StoredAttribute {
    pub key: u32,
    pub min_zoom: u8,
    pub value: StoredValue,
}

pub fn write(
    bytes: &mut Vec<u8>,
    feature: &Feature<'_>,
    geometry: &Geometry,
    mut text: impl FnMut(&str) -> u32,
) {
    let kind = match geometry {
        Geometry::Point(_) => POINT,
        Geometry::Lines(_) => LINES,
        Geometry::Areas(_) => AREAS,
    };
    bytes.extend([feature.layer as u8, kind, feature.min_zoom, feature.max_zoom]);
    wire::put(bytes, u64::from(feature.order));
    wire::put(bytes, feature.attributes.len() as u64);
    for Attribute { key, value, min_zoom } in &feature.attributes {
        wire::put(bytes, u64::from(text(key)));
        bytes.push(*min_zoom);
        match value {
            Value::Text(value) => {
                bytes.push(0);
                wire::put(bytes, u64::from(text(value)));
            }
            Value::Number(value) => {
                bytes.push(1);
                wire::put_signed(bytes, *value);
            }
            Value::Tenths(value) => {
                bytes.push(2);
                wire::put_signed(bytes, *value);
            }
            Value::Flag(value) => bytes.extend([3, u8::from(*value)]),
        }
    }
    write_geometry(bytes, geometry);
}

fn write_geometry(bytes: &mut Vec<u8>, geometry: &Geometry) {
    let parts: Vec<(u8, &[Spot])> = match geometry {
        Geometry::Point(spot) => vec![(0, std::slice::from_ref(spot))],
        Geometry::Lines(lines) => lines.iter().map(|line| (0, line.as_slice())).collect(),
        Geometry::Areas(areas) => areas
            .iter()
            .flat_map(|area| {
                let inner = area.inner.iter().map(|ring| (1, ring.as_slice()));
                std::iter::once((0, area.outer.as_slice())).chain(inner)
            })
            .collect(),
    };
    wire::put(bytes, parts.len() as u64);
    let mut last = Spot::default();
    for (inner, spots) in parts {
        bytes.push(inner);
        wire::put(bytes, spots.len() as u64);
        for spot in spots {
            wire::put_signed(bytes, i64::from(spot.x - last.x));
            wire::put_signed(bytes, i64::from(spot.y - last.y));
            last = *spot;
        }
    }
}

pub fn read_head(cursor: &mut Cursor<'_>) -> Option<Head> {
    let layer = Layer::from_number(cursor.byte()?)?;
    let geometry = cursor.byte().filter(|kind| *kind <= AREAS)?;
    let (min_zoom, max_zoom) = (cursor.byte()?, cursor.byte()?);
    Some(Head { layer, geometry, min_zoom, max_zoom, order: cursor.u32()? })
}

pub fn read_attributes(cursor: &mut Cursor<'_>) -> Option<Vec<StoredAttribute>> {
    let count = cursor.count()?;
    let mut attributes = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        let (key, min_zoom) = (cursor.u32()?, cursor.byte()?);
        let value = match cursor.byte()? {
            0 => StoredValue::Text(cursor.u32()?),
            1 => StoredValue::Number(cursor.signed()?),
            2 => StoredValue::Tenths(cursor.signed()?),
            3 => StoredValue::Flag(cursor.byte()? == 1),
            _ => return None,
        };
        attributes.push(StoredAttribute { key, min_zoom, value });
    }
    Some(attributes)
}

pub fn read_geometry(cursor: &mut Cursor<'_>, kind: u8) -> Option<Geometry> {
    let mut parts = Vec::new();
    let mut last = Spot::default();
    for _ in 0..cursor.count()? {
        let is_inner = cursor.byte()? == 1;
        let count = cursor.count()?;
        let mut spots = Vec::with_capacity(count);
        for _ in 0..count {
            last = Spot { x: cursor.step(last.x)?, y: cursor.step(last.y)? };
            spots.push(last);
        }
        parts.push((is_inner, spots));
    }
    match kind {
        POINT => Some(Geometry::Point(*parts.first()?.1.first()?)),
        LINES => Some(Geometry::Lines(parts.into_iter().map(|(_, spots)| spots).collect())),
        _ => polygons(parts).map(Geometry::Areas),
    }
}

fn polygons(parts: Vec<(bool, Vec<Spot>)>) -> Option<Vec<Polygon>> {
    let mut areas: Vec<Polygon> = Vec::new();
    for (is_inner, ring) in parts {
        if is_inner {
            areas.last_mut()?.inner.push(ring);
        } else {
            areas.push(Polygon { outer: ring, inner: Vec::new() });
        }
    }
    Some(areas)
}
