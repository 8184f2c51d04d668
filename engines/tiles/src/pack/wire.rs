//! Numbers as bytes, read without ever going out of bounds.

use crate::mercator::{Rect, Spot, WORLD};

pub fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7F) as u8);
}

/// Small numbers of either sign become small numbers.
pub fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, (value << 1 ^ value >> 63).cast_unsigned());
}

/// Reads on; `None` at the end of the bytes and for a number that is too long.
pub struct Cursor<'a>(pub &'a [u8]);

impl Cursor<'_> {
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A number of things that follow with at least one byte each: never more than the bytes that are left.
    pub fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len())
    }

    pub fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// A coordinate given as the difference to the one before.
    pub fn step(&mut self, from: i32) -> Option<i32> {
        let value = i64::from(from).checked_add(self.signed()?)?;
        i32::try_from(value).ok().filter(|value| on_the_plane(*value))
    }
}

pub fn on_the_plane(value: i32) -> bool {
    (0..=WORLD).contains(&value)
}

pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

pub fn rect_bytes(rect: &Rect) -> Vec<u8> {
    [rect.min.x, rect.min.y, rect.max.x, rect.max.y].into_iter().flat_map(i32::to_le_bytes).collect()
}

pub fn rect_at(bytes: &[u8], at: usize) -> Option<Rect> {
    let number = |index: usize| u32_at(bytes, at.checked_add(index * 4)?).map(u32::cast_signed);
    let (min, max) = (Spot { x: number(0)?, y: number(1)? }, Spot { x: number(2)?, y: number(3)? });
    Some(Rect { min, max })
}
