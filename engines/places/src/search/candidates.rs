//! The records that could be meant.

use std::sync::Arc;

use osm::{Bounds, Point};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, Occur, Query as IndexQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, Score, Searcher, SegmentReader, Term};

use super::ask::{Ask, Unit};
use crate::book::Book;
use crate::geometry;
use crate::hit::Query;
use crate::index::{Fields, RECORD, Record, pieces};
use crate::{Error, Layers};

/// Candidates that are looked at closely. Streets have their own places: a town's name is in the names of many shops, which
/// would leave no room for a street that is mistyped.
const MOST_STREETS: usize = 80;
const MOST_SPOTS: usize = 40;

/// Streets that are compared by their letters: short names share their few pieces with many.
const MOST_BY_PIECES: usize = 240;

/// The distance at which nearness counts half.
pub(super) const NEAR_M: f64 = 2_000.0;

/// What a record must be to count.
#[derive(Clone)]
pub(super) struct Wanted {
    book: Arc<Book>,
    layers: Layers,
    bounds: Option<Bounds>,
    near: Option<Point>,
}

impl Wanted {
    pub fn new(book: &Arc<Book>, query: &Query) -> Self {
        Self { book: Arc::clone(book), layers: query.layers, bounds: query.bounds, near: query.near }
    }

    /// `None` when the record is not wanted; else a factor for its score, higher when near.
    fn factor(&self, record: Record) -> Option<Score> {
        let point = match record {
            Record::Street(index) => {
                let street =
                    self.book.street(index).filter(|_| self.layers.addresses || self.layers.streets)?;
                street.point()
            }
            Record::Spot(index) => {
                let spot = self.book.spot(index)?;
                let wanted = if spot.is_place() { self.layers.places } else { self.layers.pois };
                Some(spot.point()).filter(|_| wanted)?
            }
        };
        // A long street may have houses in a rectangle that its middle is not in: hits are checked again one by one.
        if let (Some(bounds), Record::Spot(_)) = (self.bounds, record) {
            bounds.contains(point).then_some(())?;
        }
        Some(self.near.map_or(1.0, |near| 1.0 + 0.5 * nearness(near, point)))
    }
}

/// 1 at the place, 0.5 at two kilometres, towards 0 far away.
pub(super) fn nearness(near: Point, point: Point) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
    let share = (NEAR_M / (NEAR_M + geometry::distance_m(near, point))) as f32;
    share
}

/// Records that share words with the question.
pub(super) fn by_words(
    searcher: &Searcher,
    fields: Fields,
    ask: &Ask,
    wanted: &Wanted,
) -> Result<Vec<Record>, Error> {
    let parts =
        ask.units.iter().filter_map(|unit| of_unit(fields, unit)).map(|part| (Occur::Should, part)).collect();
    top(searcher, &BooleanQuery::new(parts), wanted, MOST_STREETS)
}

/// Records whose names share three-letter pieces with the question.
pub(super) fn by_pieces(
    searcher: &Searcher,
    fields: Fields,
    ask: &Ask,
    wanted: &Wanted,
) -> Result<Vec<Record>, Error> {
    let has_letters = |at: &usize| !ask.words[*at].text.chars().all(|c| c.is_ascii_digit());
    let is_town = |at: &usize| ask.units[*at].is_of_a_town();
    let words: Vec<usize> = (0..ask.words.len()).filter(has_letters).collect();
    // The name of the town is in too many names, unless nothing else was said.
    let beyond_town: Vec<usize> = words.iter().copied().filter(|at| !is_town(at)).collect();
    let words = if beyond_town.is_empty() { words } else { beyond_town };
    let text = |at: &usize| ask.words[*at].text.as_str();
    let mut all = pieces(&words.iter().map(text).collect::<String>());
    for at in &words {
        all.extend(pieces(text(at)));
    }
    let parts = all.iter().map(|piece| (Occur::Should, term(fields.pieces, piece, 1.0))).collect();
    top(searcher, &BooleanQuery::new(parts), wanted, MOST_BY_PIECES)
}

fn of_unit(fields: Fields, unit: &Unit) -> Option<Box<dyn IndexQuery>> {
    let names = unit.names.iter().map(|(text, cost)| term(fields.name, text, 1.0 - cost));
    let areas = unit.areas.iter().map(|(text, cost)| term(fields.area, text, 0.7 * (1.0 - cost)));
    let number = unit.number.iter().map(|number| term(fields.number, &number.main.to_string(), 0.6));
    let all: Vec<Box<dyn IndexQuery>> = names.chain(areas).chain(number).collect();
    (!all.is_empty()).then(|| Box::new(DisjunctionMaxQuery::new(all)) as Box<dyn IndexQuery>)
}

fn term(field: Field, text: &str, boost: Score) -> Box<dyn IndexQuery> {
    let query = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
    Box::new(BoostQuery::new(Box::new(query), boost))
}

fn top(
    searcher: &Searcher,
    query: &BooleanQuery,
    wanted: &Wanted,
    most_streets: usize,
) -> Result<Vec<Record>, Error> {
    let only = |wanted: fn(Record) -> bool, most: usize, all: Wanted| {
        TopDocs::with_limit(most).tweak_score(move |segment: &SegmentReader| {
            let records = segment.fast_fields().u64(RECORD).ok().map(|column| column.first_or_default_col(0));
            let all = all.clone();
            move |document: DocId, score: Score| {
                let record = records.as_ref().map(|records| Record::from_number(records.get_val(document)));
                let factor = record.filter(|record| wanted(*record)).and_then(|record| all.factor(record));
                factor.map_or(-1.0, |factor| score * factor)
            }
        })
    };
    let streets = only(|record| matches!(record, Record::Street(_)), most_streets, wanted.clone());
    let spots = only(|record| matches!(record, Record::Spot(_)), MOST_SPOTS, wanted.clone());
    let (mut found, spots) = searcher.search(query, &(streets, spots))?;
    found.extend(spots);
    let mut records = Vec::with_capacity(found.len());
    for (score, address) in found {
        let column = searcher.segment_reader(address.segment_ord).fast_fields().u64(RECORD)?;
        if let Some(number) = column.first(address.doc_id).filter(|_| score >= 0.0) {
            records.push(Record::from_number(number));
        }
    }
    Ok(records)
}
