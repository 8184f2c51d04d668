//! The file that an import makes and that tiles are drawn from.
//!
//! All numbers are little-endian. After the header come, without gaps:
//!
//! | part | size |
//! | --- | --- |
//! | where each text starts, and where the last one ends | 4 bytes each |
//! | the texts | |
//! | boxes of the search tree (`index`), features first | 16 bytes each |
//! | where each feature starts, and where the last one ends | 4 bytes each |
//! | the features, in the order of a Hilbert curve (`record`) | |
//!
//! The header is checked against the length of the file, and every feature is read once on opening, so that a damaged
//! file is refused then and not found out by a courier.

pub mod index;
mod reader;
mod record;
pub(crate) mod wire;
mod writer;

pub use reader::{Pack, Stored};
pub use record::StoredValue;
pub(crate) use wire::Cursor;
pub use writer::{TooLarge, Writer};

use crate::mercator::{Rect, Spot};

const MAGIC: &[u8; 8] = b"DMTILES1";
const HEADER_BYTES: usize = 40;

/// The fixed start of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    texts: u32,
    features: u32,
    text_bytes: u32,
    feature_bytes: u32,
    /// The area of the map.
    rect: Rect,
}

/// Why a file is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// Not such a file, or one of another version.
    #[error("this is not a file of map features, or one of another version")]
    Foreign,
    /// Cut off or too long.
    #[error("the file of map features does not have the length that it should have")]
    Length,
    /// A feature or text cannot be read.
    #[error("a map feature is damaged")]
    Feature,
}

impl Header {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.texts, self.features, self.text_bytes, self.feature_bytes] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(wire::rect_bytes(&self.rect));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        if bytes.get(..8) != Some(MAGIC) {
            return Err(Damaged::Foreign);
        }
        let number = |at| wire::u32_at(bytes, at).ok_or(Damaged::Length);
        let rect = wire::rect_at(bytes, 24).ok_or(Damaged::Length)?;
        let on_the_plane = |spot: Spot| wire::on_the_plane(spot.x) && wire::on_the_plane(spot.y);
        if !on_the_plane(rect.min) || !on_the_plane(rect.max) || rect.width() < 0 || rect.height() < 0 {
            return Err(Damaged::Foreign);
        }
        Ok(Self {
            texts: number(8)?,
            features: number(12)?,
            text_bytes: number(16)?,
            feature_bytes: number(20)?,
            rect,
        })
    }
}

#[cfg(test)]
mod tests;
