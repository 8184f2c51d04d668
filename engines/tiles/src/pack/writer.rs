//! Collects features and puts them into one file.

use std::collections::HashMap;

use super::{Header, index, record, wire};
use crate::feature::Feature;
use crate::geometry::Geometry;
use crate::mercator::Rect;

/// Features on the way into the file.
pub struct Writer {
    rect: Rect,
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
    records: Vec<u8>,
    /// Box of each feature, and where it starts and ends among the records.
    features: Vec<(Rect, usize, usize)>,
}

/// The file would be larger than its format allows (4 GiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the map has too many features: cut the extract to the area that is served")]
pub struct TooLarge;

impl Writer {
    /// A file for the map of this area.
    pub fn new(rect: Rect) -> Self {
        Self { rect, texts: Vec::new(), numbers: HashMap::new(), records: Vec::new(), features: Vec::new() }
    }

    /// Adds a feature; one that lies outside of the map or has no spots is left out.
    pub fn add(&mut self, feature: &Feature<'_>, geometry: &Geometry) {
        let Some(rect) = geometry.rect().filter(|rect| rect.touches(&self.rect)) else { return };
        let start = self.records.len();
        let (texts, numbers) = (&mut self.texts, &mut self.numbers);
        record::write(&mut self.records, feature, geometry, |text| number_of(text, texts, numbers));
        self.features.push((rect, start, self.records.len()));
    }

    pub fn len(&self) -> usize {
        self.features.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    pub fn finish(mut self) -> Result<Vec<u8>, TooLarge> {
        // The order among equals is that of the extract, so that the same extract makes the same file.
        self.features.sort_by_key(|(rect, start, _)| (index::hilbert(rect.centre()), *start));
        let text_bytes: usize = self.texts.iter().map(String::len).sum();
        let number = |value: usize| u32::try_from(value).ok().ok_or(TooLarge);
        let header = Header {
            texts: number(self.texts.len())?,
            features: number(self.features.len())?,
            text_bytes: number(text_bytes)?,
            feature_bytes: number(self.records.len())?,
            rect: self.rect,
        };
        let mut bytes = header.to_bytes();
        put_offsets(&mut bytes, self.texts.iter().map(String::len));
        for text in &self.texts {
            bytes.extend(text.as_bytes());
        }
        let rects: Vec<Rect> = self.features.iter().map(|(rect, ..)| *rect).collect();
        for rect in index::build(&rects) {
            bytes.extend(wire::rect_bytes(&rect));
        }
        put_offsets(&mut bytes, self.features.iter().map(|(_, start, end)| end - start));
        for (_, start, end) in &self.features {
            bytes.extend(&self.records[*start..*end]);
        }
        Ok(bytes)
    }
}

fn number_of(text: &str, texts: &mut Vec<String>, numbers: &mut HashMap<String, u32>) -> u32 {
    if let Some(number) = numbers.get(text) {
        return *number;
    }
    let number = u32::try_from(texts.len()).unwrap_or(u32::MAX);
    texts.push(text.to_owned());
    numbers.insert(text.to_owned(), number);
    number
}

/// The sums fit, because the total was checked to fit.
fn put_offsets(bytes: &mut Vec<u8>, lengths: impl Iterator<Item = usize>) {
    let mut at = 0_u32;
    bytes.extend(at.to_le_bytes());
    for length in lengths {
        at = at.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
        bytes.extend(at.to_le_bytes());
    }
}
