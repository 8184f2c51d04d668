//! Directories: which tile is where (specification, section 4).

use crate::pack::Cursor;

/// The specification's deepest zoom whose tile numbers fit.
const MOST_ZOOM: u8 = 31;

/// A tile or, without a run, a directory with the tiles from this one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Entry {
    pub id: u64,
    /// So many tiles in a row look like this one; 0 for a directory.
    pub run: u32,
    pub start: u64,
    pub length: u32,
}

/// Entries in the order of their tiles.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Directory(Vec<Entry>);

impl Directory {
    /// `None` when damaged.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(bytes);
        let mut entries = vec![Entry::default(); cursor.count()?];
        let mut id = 0_u64;
        for entry in &mut entries {
            id = id.checked_add(cursor.number()?)?;
            entry.id = id;
        }
        for entry in &mut entries {
            entry.run = cursor.u32()?;
        }
        for entry in &mut entries {
            entry.length = cursor.u32().filter(|length| *length > 0)?;
        }
        let mut follows = None;
        for entry in &mut entries {
            entry.start = match cursor.number()? {
                0 => follows?,
                start => start - 1,
            };
            follows = Some(entry.start.checked_add(entry.length.into())?);
        }
        Some(Self(entries))
    }

    /// What it takes in memory, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.0.len() * size_of::<Entry>()
    }

    /// The entry that has the tile, or the directory that may.
    pub fn find(&self, id: u64) -> Option<Entry> {
        let after = self.0.partition_point(|entry| entry.id <= id);
        let entry = *self.0.get(after.checked_sub(1)?)?;
        (entry.run == 0 || id - entry.id < entry.run.into()).then_some(entry)
    }
}

/// Number of a tile along the Hilbert curves of all zooms, one after the other; `None` for numbers that no tile has.
pub fn tile_id(z: u8, x: u32, y: u32) -> Option<u64> {
    let side = 1_u64 << z.min(MOST_ZOOM);
    let (mut x, mut y) = (u64::from(x), u64::from(y));
    if z > MOST_ZOOM || x >= side || y >= side {
        return None;
    }
    // All tiles of the zooms before: (4^z - 1) / 3.
    let mut id = (side * side - 1) / 3;
    let mut half = side / 2;
    while half > 0 {
        let (right, lower) = (u64::from(x & half != 0), u64::from(y & half != 0));
        id += half * half * ((3 * right) ^ lower);
        if lower == 0 {
            if right == 1 {
                (x, y) = (side - 1 - x, side - 1 - y);
            }
            (x, y) = (y, x);
        }
        half /= 2;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from the tests of the reference implementation.
    #[test]
    fn tiles_have_the_numbers_of_the_specification() {
        assert_eq!(tile_id(0, 0, 0), Some(0));
        assert_eq!(tile_id(1, 0, 0), Some(1));
        assert_eq!(tile_id(1, 0, 1), Some(2));
        assert_eq!(tile_id(1, 1, 1), Some(3));
        assert_eq!(tile_id(1, 1, 0), Some(4));
        assert_eq!(tile_id(2, 0, 0), Some(5));
        assert_eq!(tile_id(12, 3423, 1763), Some(19_078_479));
        assert_eq!(tile_id(1, 2, 0), None);
        assert_eq!(tile_id(255, 0, 0), None);
    }
}
