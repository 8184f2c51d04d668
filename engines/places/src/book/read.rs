//! Reads the packed file in place.

use std::fmt;

use osm::Point;

use super::grid::{self, Cells};
use super::rows::{HouseRow, SpotRow, StreetRow};
use super::{MAGIC, TABLES, Table, tables_of};
use crate::Error;

/// The bytes of the file: mapped or in memory.
type Bytes = Box<dyn AsRef<[u8]> + Send + Sync>;

/// The packed file, open.
pub(crate) struct Book {
    bytes: Bytes,
    /// First word and number of words of each table.
    tables: [(usize, usize); TABLES],
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("streets", &self.streets())
            .field("houses", &self.houses())
            .finish_non_exhaustive()
    }
}

impl Book {
    /// Opens a file. Refuses one that is not of this format, or whose tables do not fit in it.
    pub fn open(bytes: Bytes) -> Result<Self, Error> {
        let mut book = Self { bytes, tables: [(0, 0); TABLES] };
        let format = book.word_at(1).filter(|_| book.word_at(0) == Some(MAGIC));
        let tables = format.and_then(tables_of).ok_or(Error::NotAnAddressFile)?;
        let length = book.bytes().len() / 4;
        for table in 0..tables {
            let word = |at: usize| book.word_at(at).map(|word| word as usize);
            let (Some(start), Some(words)) = (word(2 + 2 * table), word(3 + 2 * table)) else {
                return Err(Error::NotAnAddressFile);
            };
            if start.checked_add(words).is_none_or(|end| end > length) {
                return Err(Error::NotAnAddressFile);
            }
            book.tables[table] = (start, words);
        }
        Ok(book)
    }

    fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    fn word_at(&self, index: usize) -> Option<u32> {
        let start = index.checked_mul(4)?;
        let bytes = self.bytes().get(start..start.checked_add(4)?)?;
        Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn word(&self, table: Table, row: u32, column: usize) -> u32 {
        let (start, words) = self.tables[table as usize];
        let at = (row as usize).saturating_mul(table.width()).saturating_add(column);
        if at < words { self.word_at(start + at).unwrap_or(0) } else { 0 }
    }

    pub(super) fn rows(&self, table: Table) -> u32 {
        u32::try_from(self.tables[table as usize].1 / table.width()).unwrap_or(0)
    }

    pub(super) fn text(&self, offset: u32) -> &str {
        let (start, words) = self.tables[Table::Texts as usize];
        let texts = self.bytes().get(start * 4..(start + words) * 4).unwrap_or_default();
        let offset = offset as usize;
        let length = texts
            .get(offset..)
            .and_then(|rest| rest.first_chunk::<2>())
            .map(|bytes| u16::from_le_bytes(*bytes));
        let length = usize::from(length.unwrap_or(0));
        let bytes =
            texts.get(offset.saturating_add(2)..offset.saturating_add(2 + length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    pub(super) fn point(&self, table: Table, row: u32, column: usize) -> Point {
        Point {
            lat_e7: self.word(table, row, column).cast_signed(),
            lon_e7: self.word(table, row, column + 1).cast_signed(),
        }
    }

    pub fn streets(&self) -> u32 {
        self.rows(Table::Streets)
    }

    pub fn houses(&self) -> u32 {
        self.rows(Table::Houses)
    }

    pub fn spots(&self) -> u32 {
        self.rows(Table::Spots)
    }

    pub fn street(&self, index: u32) -> Option<StreetRow<'_>> {
        (index < self.streets()).then(|| StreetRow::new(self, index))
    }

    pub fn house(&self, index: u32) -> Option<HouseRow<'_>> {
        (index < self.houses()).then(|| HouseRow::new(self, index))
    }

    pub fn spot(&self, index: u32) -> Option<SpotRow<'_>> {
        (index < self.spots()).then(|| SpotRow::new(self, index))
    }

    /// The rows `first..first + count` that the table has.
    pub(super) fn range(&self, table: Table, first: u32, count: u32) -> std::ops::Range<u32> {
        let rows = self.rows(table);
        first.min(rows)..first.saturating_add(count).min(rows)
    }

    fn points_of(&self, first: u32, count: u32) -> Vec<Point> {
        self.range(Table::Points, first, count).map(|row| self.point(Table::Points, row, 0)).collect()
    }

    /// The points of a street line.
    pub fn line(&self, index: u32) -> Vec<Point> {
        self.points_of(self.word(Table::Lines, index, 0), self.word(Table::Lines, index, 1))
    }

    /// The street that a line belongs to.
    pub fn street_of_line(&self, index: u32) -> u32 {
        self.word(Table::Lines, index, 2)
    }

    /// The outline of a building.
    pub fn footprint(&self, index: u32) -> Vec<Point> {
        self.points_of(self.word(Table::Footprints, index, 0), self.word(Table::Footprints, index, 1))
    }

    /// The houses of a building.
    pub fn houses_in(&self, footprint: u32) -> impl Iterator<Item = u32> + '_ {
        let (first, count) =
            (self.word(Table::Footprints, footprint, 2), self.word(Table::Footprints, footprint, 3));
        self.range(Table::FootprintHouses, first, count).map(|row| self.word(Table::FootprintHouses, row, 0))
    }

    /// Houses that may be within `radius_m`.
    pub fn houses_near(&self, point: Point, radius_m: f64) -> Vec<u32> {
        self.near(Table::HouseCells, grid::around(point, radius_m))
    }

    /// Doors beyond the points of the houses that may be within `radius_m`, each with its house.
    pub fn doors_near(&self, point: Point, radius_m: f64) -> impl Iterator<Item = (Point, u32)> + '_ {
        let doors = self.near(Table::DoorCells, grid::around(point, radius_m));
        doors.into_iter().map(|row| (self.point(Table::Doors, row, 0), self.word(Table::Doors, row, 2)))
    }

    /// Buildings that may be within `radius_m`.
    pub fn footprints_near(&self, point: Point, radius_m: f64) -> Vec<u32> {
        self.near(Table::FootprintCells, grid::around(point, radius_m))
    }

    /// Street lines that may be within `radius_m`.
    pub fn lines_near(&self, point: Point, radius_m: f64) -> Vec<u32> {
        self.near(Table::LineCells, grid::around(point, radius_m))
    }

    fn near(&self, table: Table, cells: Cells) -> Vec<u32> {
        let mut found = Vec::new();
        for cell_row in cells.rows.0..=cells.rows.1 {
            let mut row = self.first_not_before(table, (cell_row, cells.columns.0));
            while row < self.rows(table)
                && self.word(table, row, 0) == cell_row
                && self.word(table, row, 1) <= cells.columns.1
            {
                found.push(self.word(table, row, 2));
                row += 1;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn first_not_before(&self, table: Table, cell: (u32, u32)) -> u32 {
        let (mut low, mut high) = (0, self.rows(table));
        while low < high {
            let middle = low + (high - low) / 2;
            if (self.word(table, middle, 0), self.word(table, middle, 1)) < cell {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
