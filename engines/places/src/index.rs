//! The index of words: one document for each street, point of interest and place.
//!
//! Houses are not documents: a street says which numbers it has, and the packed file finds the house. That keeps the index a
//! tenth of the size and lets a number be put between its neighbours. The index answers "what could be meant"; which answer is
//! best is decided by `search::score` on the candidates.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tantivy::directory::{Directory, MmapDirectory, RamDirectory};
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyDocument};

use crate::Error;
use crate::model::{Belongs, Gazetteer, House, Name, Spot, Street};
use crate::text::{HouseNumber, fold, name_words};

/// Memory in which documents are gathered before they are written.
const WRITER_BYTES: usize = 64 << 20;

/// A range of numbers adds at most this many words.
const MOST_OF_RANGE: u32 = 20;

/// What a document stands for, in its one number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Record {
    Street(u32),
    Spot(u32),
}

impl Record {
    fn number(self) -> u64 {
        match self {
            Self::Street(index) => u64::from(index) << 1,
            Self::Spot(index) => u64::from(index) << 1 | 1,
        }
    }

    pub fn from_number(number: u64) -> Self {
        let index = u32::try_from(number >> 1).unwrap_or(u32::MAX);
        if number & 1 == 0 { Self::Street(index) } else { Self::Spot(index) }
    }
}

/// The fields of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// Words of all its names, in their one form.
    pub name: Field,
    /// Words of postcode, town, district; of a point of interest also its street and number.
    pub area: Field,
    /// The house numbers of a street.
    pub number: Field,
    /// Three-letter pieces of the names without spaces.
    pub pieces: Field,
    /// [`Record::number`].
    pub record: Field,
}

/// The name of the record field, by which its column is read.
pub(crate) const RECORD: &str = "record";

fn schema() -> (Schema, Fields) {
    let words = || {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        TextOptions::default().set_indexing_options(indexing)
    };
    let mut builder = Schema::builder();
    let fields = Fields {
        name: builder.add_text_field("name", words()),
        area: builder.add_text_field("area", words()),
        number: builder.add_text_field("number", words()),
        pieces: builder.add_text_field("pieces", words()),
        record: builder.add_u64_field(RECORD, FAST),
    };
    (builder.build(), fields)
}

/// An open index.
#[derive(Clone)]
pub(crate) struct Words {
    pub reader: IndexReader,
    pub fields: Fields,
}

/// Writes the index into an empty folder.
pub(crate) fn write(gazetteer: &Gazetteer, folder: &Path) -> Result<(), Error> {
    let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    fill(gazetteer, directory).map(drop)
}

/// Builds the index in memory.
pub(crate) fn in_memory(gazetteer: &Gazetteer) -> Result<Words, Error> {
    Words::of(&fill(gazetteer, RamDirectory::create())?)
}

impl Words {
    /// Opens the index of a folder.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::of(&Index::open_in_dir(folder)?)
    }

    fn of(index: &Index) -> Result<Self, Error> {
        let (schema, fields) = schema();
        if index.schema() != schema {
            return Err(Error::NotAnAddressFile);
        }
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { reader, fields })
    }
}

fn fill(gazetteer: &Gazetteer, directory: impl Directory) -> Result<Index, Error> {
    let (schema, fields) = schema();
    let index = Index::create(directory, schema, IndexSettings::default())?;
    // One thread: the documents keep their order, and a metropolitan area is one segment.
    let mut writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES)?;
    let mut houses = gazetteer.houses.as_slice();
    for (street, at) in gazetteer.streets.iter().zip(0..) {
        let count = houses.iter().take_while(|house| house.street == at).count();
        let (own, rest) = houses.split_at(count);
        writer.add_document(of_street(fields, street, own, Record::Street(at)))?;
        houses = rest;
    }
    for (spot, at) in gazetteer.spots.iter().zip(0..) {
        writer.add_document(of_spot(fields, spot, Record::Spot(at)))?;
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    Ok(index)
}

fn of_street(fields: Fields, street: &Street, houses: &[House], record: Record) -> TantivyDocument {
    let mut area = area_words(&street.belongs);
    for house in houses {
        area.extend(area_words(&house.belongs));
    }
    let mut document = document(fields, &street.names, area, record);
    let numbers = houses.iter().filter_map(|house| HouseNumber::parse(&house.number));
    let numbers: BTreeSet<u32> =
        numbers.flat_map(|number| number.main..=number.last.min(number.main + MOST_OF_RANGE)).collect();
    document.add_text(fields.number, join(numbers.iter().map(u32::to_string)));
    document
}

fn of_spot(fields: Fields, spot: &Spot, record: Record) -> TantivyDocument {
    let mut area = area_words(&spot.belongs);
    area.extend(name_words(&spot.street));
    area.extend(HouseNumber::parse(&spot.number).map(|number| number.text));
    document(fields, &spot.names, area, record)
}

fn document(fields: Fields, names: &[Name], area: BTreeSet<String>, record: Record) -> TantivyDocument {
    let mut document = TantivyDocument::new();
    let mut words = BTreeSet::new();
    let mut all_pieces = BTreeSet::new();
    for name in names {
        let own = name_words(&name.text);
        all_pieces.extend(pieces(&own.concat()));
        all_pieces.extend(pieces(&letters_of(&name.text)));
        words.extend(own);
    }
    document.add_text(fields.name, join(words));
    document.add_text(fields.area, join(area));
    document.add_text(fields.pieces, join(all_pieces));
    document.add_u64(fields.record, record.number());
    document
}

/// Postcodes with a space are also one word: `1012 AB` and `1012AB`.
fn area_words(belongs: &Belongs) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = [&belongs.city, &belongs.district, &belongs.country]
        .into_iter()
        .flat_map(|text| name_words(text))
        .collect();
    words.extend(postcode_words(&belongs.postcode));
    words
}

/// The words by which a postcode is found.
pub(crate) fn postcode_words(postcode: &str) -> Vec<String> {
    let mut words = name_words(postcode);
    if words.len() > 1 {
        words.push(words.concat());
    }
    words
}

/// The letters of a name as written, without spaces: `marketstreet`.
pub(crate) fn letters_of(name: &str) -> String {
    fold(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The three-letter pieces of a word, with a mark for its beginning.
pub(crate) fn pieces(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = std::iter::once('^').chain(word.chars()).collect();
    letters.windows(3).map(|piece| piece.iter().collect()).collect()
}

fn join(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut joined = String::new();
    for word in words {
        joined.push_str(word.as_ref());
        joined.push(' ');
    }
    joined
}

/// What an engine keeps: the packed file and the words that lead into it.
pub(crate) struct Parts {
    pub book: Arc<crate::book::Book>,
    pub words: Words,
}
