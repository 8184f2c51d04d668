//! What an organisation knows beyond the map: an official address list, and doors learned from its own deliveries.

mod csv;
mod merge;

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use osm::Point;

use crate::Error;
use crate::book::{Book, pack};
use crate::doors::Door;
use crate::geometry;
use crate::hit::{Hit, Level, Query};
use crate::import::{self, Listed};
use crate::index::{self, Parts, Words};
use crate::reverse;
use crate::search;
use crate::text::{HouseNumber, name_key};

pub use self::csv::{CsvLimits, CsvReport, RowError, RowProblem};
pub use self::merge::Merged;

/// The parts of a map folder with its official list.
const BOOK: &str = "official.book";
const SEARCH: &str = "official";

/// A learned door belongs to the house of its street and number within this distance.
const SAME_HOUSE_M: f64 = 300.0;

/// Doors by street and number, both in the form that they are compared by, with the point of the address.
type Doors = HashMap<(String, String), Vec<(Point, Door)>>;

/// Gathers an [`Overlay`].
#[derive(Debug, Default)]
pub struct OverlayBuilder {
    listed: Vec<Listed>,
    doors: Doors,
}

impl OverlayBuilder {
    /// Reads an official address list: a table with a header, columns for street, number, position, and where known postcode
    /// and town; those of OpenAddresses are among the names understood. Rows that cannot be used are reported and left out.
    pub fn official_csv(&mut self, file: impl Read, limits: &CsvLimits) -> Result<CsvReport, Error> {
        let (listed, report) = csv::read(file, limits)?;
        self.listed.extend(listed);
        Ok(report)
    }

    /// Adds the learned door of a house, which the map knows at `address_point`.
    pub fn door(&mut self, street: &str, house_number: &str, address_point: Point, door: Door) {
        self.doors.entry(door_key(street, house_number)).or_default().push((address_point, door));
    }

    /// Writes the official list into a map folder, whose [`crate::Places`] answer from it from then on. How many houses it has.
    pub fn write(self, writer: &mut mapfolder::Writer) -> Result<usize, Error> {
        let gazetteer = import::gather_listed(self.listed);
        writer.put(BOOK, &pack(&gazetteer))?;
        index::write(&gazetteer, &writer.folder(SEARCH)?)?;
        Ok(gazetteer.houses.len())
    }

    /// Makes the overlay ready for questions.
    pub fn build(self) -> Result<Overlay, Error> {
        let parts = if self.listed.is_empty() {
            None
        } else {
            let gazetteer = import::gather_listed(self.listed);
            let book = Arc::new(Book::open(Box::new(pack(&gazetteer)))?);
            Some(Parts { book, words: index::in_memory(&gazetteer)? })
        };
        Ok(Overlay { parts, doors: self.doors })
    }
}

fn door_key(street: &str, house_number: &str) -> (String, String) {
    let number =
        HouseNumber::parse(house_number).map_or_else(|| name_key(house_number), |number| number.text);
    (name_key(street), number)
}

/// What an organisation knows beyond the map.
#[derive(Default)]
pub struct Overlay {
    parts: Option<Parts>,
    doors: Doors,
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay")
            .field("houses", &self.houses())
            .field("doors", &self.doors.len())
            .finish_non_exhaustive()
    }
}

impl Overlay {
    /// Begins an overlay.
    pub fn builder() -> OverlayBuilder {
        OverlayBuilder::default()
    }

    /// Houses of the official list.
    pub fn houses(&self) -> u32 {
        self.parts.as_ref().map_or(0, |parts| parts.book.houses())
    }

    /// Answers from the overlay alone: for an installation without a map.
    pub fn alone(&self) -> Merged<'_> {
        Merged::new(None, [Some(self), None])
    }

    /// The official list of a map folder; empty where it has none.
    pub(crate) fn of_map(folder: &mapfolder::Folder) -> Result<Self, Error> {
        if !folder.has(BOOK) {
            return Ok(Self::default());
        }
        let book = Arc::new(Book::open(Box::new(folder.map(BOOK)?))?);
        let words = Words::open(&folder.path(SEARCH)?)?;
        Ok(Self { parts: Some(Parts { book, words }), doors: Doors::default() })
    }

    fn ranked(&self, query: &Query) -> Result<Vec<search::Ranked>, Error> {
        self.parts.as_ref().map_or(Ok(Vec::new()), |parts| search::search(parts, query))
    }

    fn reverse(&self, point: Point, limit: usize) -> Vec<reverse::Reached> {
        self.parts.as_ref().map_or(Vec::new(), |parts| reverse::reverse(&parts.book, point, limit))
    }

    /// Sends a hit to its door, where one is known.
    fn to_door(&self, mut hit: Hit) -> Hit {
        let (Some(street), Some(number)) = (&hit.street, &hit.house_number) else { return hit };
        if !matches!(hit.level, Level::House | Level::Interpolated) {
            return hit;
        }
        let known = self.doors.get(&door_key(street, number)).into_iter().flatten();
        let near = known
            .map(|(address, door)| (geometry::distance_m(*address, hit.point), door))
            .filter(|(metres, _)| *metres < SAME_HOUSE_M);
        if let Some((_, door)) = near.min_by(|a, b| a.0.total_cmp(&b.0)) {
            hit.address_point = Some(hit.point);
            hit.point = door.point;
        }
        hit
    }
}
