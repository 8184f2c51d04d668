//! Finds addresses and places of an OpenStreetMap extract: by text, while somebody types, and by a point on the map.
//!
//! [`import`] gathers streets with their houses, points of interest and places, and writes two parts into a map folder: an index
//! of words (`search/`, tantivy) and a packed file that is read in place (`places.book`). [`Places`] answers from them, on any
//! number of threads. What the extract does not know comes from an [`Overlay`]: an official address list, and doors learned
//! from where deliveries were handed over.
//!
//! An answer says how exact it is ([`Level`]): the house, a number put between its neighbours, the street, a point of interest,
//! or a place. Nothing is made more exact than it is.

mod book;
pub mod doors;
mod error;
pub mod geocodejson;
mod geometry;
mod hit;
mod import;
mod index;
mod model;
mod overlay;
mod reverse;
mod search;
mod text;

use std::fmt;
use std::sync::Arc;

use osm::{Data, Point};

use self::book::Book;
use self::index::{Parts, Words};

pub use self::error::Error;
pub use self::hit::{Hit, Layers, Level, Query};
pub use self::import::Summary;
pub use self::overlay::{CsvLimits, CsvReport, Merged, Overlay, OverlayBuilder, RowError, RowProblem};
pub use self::search::MAX_HITS;
pub use self::text::{HouseNumber, MAX_QUERY_CHARS, MAX_QUERY_WORDS};

/// The part with the index of words.
const SEARCH: &str = "search";

/// The part with everything that can be found.
const BOOK: &str = "places.book";

/// Writes the search parts of a map folder. `progress` is told the share that is done, 0 to 1.
pub fn import(
    data: &Data,
    writer: &mut mapfolder::Writer,
    progress: &mut dyn FnMut(f32),
) -> Result<Summary, Error> {
    let (gazetteer, summary) = import::gather(data, progress);
    writer.put(BOOK, &book::pack(&gazetteer))?;
    progress(0.8);
    index::write(&gazetteer, &writer.folder(SEARCH)?)?;
    progress(1.0);
    Ok(summary)
}

/// The search of a map folder. Cheap to share: every question reads the same mapped files.
pub struct Places {
    parts: Parts,
    official: Overlay,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("book", &self.parts.book).finish_non_exhaustive()
    }
}

impl Places {
    /// Opens the search parts of a map folder.
    pub fn open(folder: &mapfolder::Folder) -> Result<Self, Error> {
        let book = Arc::new(Book::open(Box::new(folder.map(BOOK)?))?);
        let words = Words::open(&folder.path(SEARCH)?)?;
        Ok(Self { parts: Parts { book, words }, official: Overlay::of_map(folder)? })
    }

    /// Houses of the official list that was imported beside the extract.
    pub fn official_houses(&self) -> u32 {
        self.official.houses()
    }

    /// Answers for a text, the best first. A text without words, or one that nothing fits, has none.
    pub fn search(&self, query: &Query) -> Result<Vec<Hit>, Error> {
        self.merged(None).search(query)
    }

    /// The addresses at a point: the building around it first, then the nearest within 250 m, then streets.
    pub fn reverse(&self, point: Point, limit: usize) -> Vec<Hit> {
        self.merged(None).reverse(point, limit)
    }

    /// The same search with what an organisation knows itself.
    pub fn with<'a>(&'a self, overlay: &'a Overlay) -> Merged<'a> {
        self.merged(Some(overlay))
    }

    fn merged<'a>(&'a self, overlay: Option<&'a Overlay>) -> Merged<'a> {
        let official = Some(&self.official).filter(|official| official.houses() > 0);
        Merged::new(Some(&self.parts), [official, overlay])
    }
}
