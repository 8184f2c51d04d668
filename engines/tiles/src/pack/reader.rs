//! Reads features out of the file, wherever its bytes are.

use std::ops::{Deref, Range};

use super::record::{self, Head, StoredAttribute, StoredValue};
use super::wire::{self, Cursor};
use super::{Damaged, HEADER_BYTES, Header, index};
use crate::feature::Layer;
use crate::geometry::Geometry;
use crate::mercator::Rect;

/// An opened file of features.
pub struct Pack<B> {
    bytes: B,
    header: Header,
    text_starts: Range<usize>,
    texts: Range<usize>,
    boxes: Range<usize>,
    feature_starts: Range<usize>,
    features: Range<usize>,
}

/// A feature as it is stored: texts are numbers, read with [`Pack::text`].
pub struct Stored<'a> {
    head: Head,
    rect: Rect,
    rest: Cursor<'a>,
}

impl<B: Deref<Target = [u8]>> Pack<B> {
    /// Checks the whole file.
    pub fn open(bytes: B) -> Result<Self, Damaged> {
        let header = Header::from_bytes(&bytes)?;
        let mut at = HEADER_BYTES as u64;
        let mut part = |size: u64| {
            let start = at;
            at += size;
            let range = usize::try_from(start).ok()?..usize::try_from(at).ok()?;
            Some(range)
        };
        let (texts, features) = (u64::from(header.texts), u64::from(header.features));
        let boxes = index::size(header.features as usize) as u64;
        let ranges = (
            part((texts + 1) * 4),
            part(u64::from(header.text_bytes)),
            part(boxes * 16),
            part((features + 1) * 4),
            part(u64::from(header.feature_bytes)),
        );
        let (Some(text_starts), Some(texts), Some(boxes), Some(feature_starts), Some(features)) = ranges
        else {
            return Err(Damaged::Length);
        };
        if features.end != bytes.len() {
            return Err(Damaged::Length);
        }
        let pack = Self { bytes, header, text_starts, texts, boxes, feature_starts, features };
        pack.check()?;
        Ok(pack)
    }

    fn check(&self) -> Result<(), Damaged> {
        let texts = (0..self.header.texts).all(|number| self.text(number).is_some());
        let features = (0..self.len()).all(|number| self.is_whole(number));
        if texts && features { Ok(()) } else { Err(Damaged::Feature) }
    }

    fn is_whole(&self, number: usize) -> bool {
        let Some(mut feature) = self.get(number) else { return false };
        let Some(attributes) = feature.attributes() else { return false };
        let known = |text: u32| text < self.header.texts;
        let all_known = attributes.iter().all(|attribute| {
            known(attribute.key) && !matches!(attribute.value, StoredValue::Text(text) if !known(text))
        });
        all_known && feature.geometry().is_some_and(|geometry| geometry.rect() == Some(feature.rect))
    }

    /// The area of the map.
    pub fn rect(&self) -> Rect {
        self.header.rect
    }

    pub fn len(&self) -> usize {
        self.header.features as usize
    }

    pub fn is_empty(&self) -> bool {
        self.header.features == 0
    }

    pub fn text(&self, number: u32) -> Option<&str> {
        let starts = self.bytes.get(self.text_starts.clone())?;
        let texts = self.bytes.get(self.texts.clone())?;
        std::str::from_utf8(slice_at(starts, texts, number as usize)?).ok()
    }

    pub fn get(&self, number: usize) -> Option<Stored<'_>> {
        let starts = self.bytes.get(self.feature_starts.clone())?;
        let features = self.bytes.get(self.features.clone())?;
        let mut cursor = Cursor(slice_at(starts, features, number)?);
        let head = record::read_head(&mut cursor)?;
        let rect = wire::rect_at(self.bytes.get(self.boxes.clone())?, number.checked_mul(16)?)?;
        Some(Stored { head, rect, rest: cursor })
    }

    /// The features whose box touches the rectangle.
    pub fn search(&self, rect: &Rect) -> impl Iterator<Item = Stored<'_>> {
        let boxes = self.bytes.get(self.boxes.clone()).unwrap_or(&[]);
        index::search(boxes, self.len(), rect).into_iter().filter_map(|number| self.get(number))
    }
}

fn slice_at<'a>(starts: &[u8], bytes: &'a [u8], number: usize) -> Option<&'a [u8]> {
    let at = number.checked_mul(4)?;
    let (start, end) = (wire::u32_at(starts, at)?, wire::u32_at(starts, at.checked_add(4)?)?);
    bytes.get(start as usize..end as usize)
}

impl Stored<'_> {
    pub fn layer(&self) -> Layer {
        self.head.layer
    }

    pub fn order(&self) -> u32 {
        self.head.order
    }

    pub fn rect(&self) -> Rect {
        self.rect
    }

    pub fn is_drawn_at(&self, zoom: u8) -> bool {
        (self.head.min_zoom..=self.head.max_zoom).contains(&zoom)
    }

    /// To be read once, before the geometry. `None` when damaged.
    pub fn attributes(&mut self) -> Option<Vec<StoredAttribute>> {
        record::read_attributes(&mut self.rest)
    }

    /// To be read once, after the attributes. `None` when damaged.
    pub fn geometry(&mut self) -> Option<Geometry> {
        record::read_geometry(&mut self.rest, self.head.geometry)
    }
}
