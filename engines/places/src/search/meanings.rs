//! What one word of the question may mean in the index: written so, shortened, mistyped, unfinished.

use std::collections::HashMap;

use tantivy::query::{DfaWrapper, FuzzyTermQuery};
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::edits;
use crate::Error;
use crate::text::{Word, canonical, expansions, is_generic, long_forms};

/// Words of the index, each with what it costs to mean it, out of 1 for a whole word.
pub(super) type Meanings = HashMap<String, f32>;

/// Words of the index that one word of the question may mean.
const MOST_MEANINGS: usize = 40;

/// Terms that are read for one unfinished word.
const MOST_PREFIX_TERMS: usize = 400;

/// What a mistake costs.
const EDIT_COST: f32 = 0.2;
const UNFINISHED_COST: f32 = 0.06;

/// What is added for a word of which nearly all is missing: of two words with one beginning, the shorter is meant rather.
const MISSING_COST: f32 = 0.02;
const ORDINAL_COST: f32 = 0.1;

/// Fewer letters are the beginning of too many words.
const LEAST_BEGINNING: usize = 3;

/// How much of a word was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Written {
    Whole,
    /// Somebody is still typing it, and may have mistyped it so far.
    Typing,
    /// Cut short by the writer.
    Cut,
}

impl Written {
    /// `Land. 12`: a full stop cuts a word short, unless it is one of the short forms that everybody writes.
    pub fn of(word: &Word) -> Self {
        if word.dotted && is_beginning(word) { Self::Cut } else { Self::Whole }
    }
}

/// Whether a word may be the beginning of a longer one.
pub(super) fn is_beginning(word: &Word) -> bool {
    let is_long = word.text.chars().count() >= LEAST_BEGINNING;
    is_long && word.text.chars().all(char::is_alphabetic) && !is_generic(&canonical(word))
}

/// What the words of one unit mean in the two fields, `[names, areas]`.
pub(super) fn find(
    searcher: &Searcher,
    fields: [Field; 2],
    words: &[Word],
    (text, written): (&str, Written),
) -> Result<[Meanings; 2], Error> {
    let likely = Likely::of(words, text, fields[0], written)?;
    let find = |field: Field| Finder { searcher, field, found: HashMap::new() }.whole(&likely, words, text);
    Ok([find(fields[0])?, find(fields[1])?])
}

/// Adds what a word means as a beginning. Whether there was anything.
pub(super) fn add_beginnings(
    searcher: &Searcher,
    field: Field,
    text: &str,
    known: &mut Meanings,
) -> Result<bool, Error> {
    let before = known.clone();
    let mut finder = Finder { searcher, field, found: std::mem::take(known) };
    for (form, cost) in forms(text, 0, true) {
        finder.exact(form, cost)?;
    }
    finder.unfinished(text, |term| cut_cost(text, term))?;
    finder.cut();
    *known = finder.found;
    Ok(*known != before)
}

/// Edits that a word of this length may have.
fn allowed_edits(text: &str) -> u8 {
    let has_digit = text.contains(|c: char| c.is_ascii_digit());
    match text.chars().count() {
        0..=2 => 0,
        // "13th" may have lost a letter; other short words have too many neighbours.
        3 => u8::from(has_digit && text.contains(char::is_alphabetic)),
        4..=7 => 1,
        _ if has_digit => 1,
        _ => 2,
    }
}

/// What does not depend on the field: prepared once for both.
struct Likely {
    edits: u8,
    mistyped: Option<DfaWrapper>,
    mistyped_beginning: Option<DfaWrapper>,
    /// Short forms whose long form is meant, each with its cost.
    forms: Vec<(&'static str, f32)>,
    written: Written,
}

impl Likely {
    fn of(words: &[Word], text: &str, field: Field, written: Written) -> Result<Self, Error> {
        let mut likely =
            Self { edits: 0, mistyped: None, mistyped_beginning: None, forms: Vec::new(), written };
        if words.len() > 1 || text.chars().all(|c| c.is_ascii_digit()) {
            return Ok(likely);
        }
        let term = || Term::from_field_text(field, text);
        likely.edits = allowed_edits(text);
        if likely.edits > 0 {
            likely.mistyped = Some(FuzzyTermQuery::new(term(), likely.edits, true).automaton()?);
            if written == Written::Typing && text.chars().count() >= 5 {
                likely.mistyped_beginning = Some(FuzzyTermQuery::new_prefix(term(), 1, true).automaton()?);
            }
        }
        likely.forms = forms(text, usize::from(likely.edits.min(1)), written != Written::Whole);
        Ok(likely)
    }
}

/// The index knows only `st`: a mistyped or half-typed `street` is compared with the long form.
fn forms(text: &str, edits: usize, open: bool) -> Vec<(&'static str, f32)> {
    let cost = |long: &str| {
        let mistyped = edits::distance_within(text, long, edits).filter(|distance| *distance > 0);
        let unfinished = open && text.len() > 1 && long.starts_with(text);
        mistyped.map(|distance| edit_cost(text, long, distance)).or(unfinished.then_some(UNFINISHED_COST))
    };
    long_forms().filter_map(|(long, form)| Some((form, cost(long)?))).collect()
}

struct Finder<'a> {
    searcher: &'a Searcher,
    field: Field,
    found: Meanings,
}

impl Finder<'_> {
    fn whole(mut self, likely: &Likely, words: &[Word], text: &str) -> Result<Meanings, Error> {
        let [word] = words else {
            self.exact(text, 0.03)?;
            return Ok(self.found);
        };
        self.exact(&canonical(word), 0.0)?;
        for expansion in expansions(word) {
            self.exact(&expansion, 0.0)?;
        }
        self.exact(text, 0.0)?;
        self.ordinals(text)?;
        self.mistyped(likely, text)?;
        for (form, cost) in &likely.forms {
            self.exact(form, *cost)?;
        }
        match likely.written {
            Written::Whole => {}
            Written::Typing => {
                self.unfinished(text, |term| if term == text { 0.0 } else { UNFINISHED_COST })?;
            }
            Written::Cut => self.unfinished(text, |term| cut_cost(text, term))?,
        }
        self.cut();
        Ok(self.found)
    }

    fn add(&mut self, term: &str, cost: f32) {
        let known = self.found.entry(term.to_owned()).or_insert(cost);
        *known = known.min(cost);
    }

    fn exact(&mut self, text: &str, cost: f32) -> Result<(), Error> {
        let term = Term::from_field_text(self.field, text);
        for segment in self.searcher.segment_readers() {
            if segment.inverted_index(self.field)?.terms().get(term.serialized_value_bytes())?.is_some() {
                self.add(text, cost);
            }
        }
        Ok(())
    }

    /// `3 street` means `3rd street`; `13ht` means `13th`.
    fn ordinals(&mut self, text: &str) -> Result<(), Error> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        if !(1..=3).contains(&digits) {
            return Ok(());
        }
        let (number, ending) = text.split_at(digits);
        let is_near = |known: &&str| edits::distance(ending, known) <= 1;
        if ending.is_empty() || (ending.len() <= 3 && ["st", "nd", "rd", "th"].iter().any(is_near)) {
            self.exact(&format!("{number}th"), ORDINAL_COST)?;
        }
        Ok(())
    }

    fn mistyped(&mut self, likely: &Likely, text: &str) -> Result<(), Error> {
        let edits = usize::from(likely.edits);
        if let Some(automaton) = &likely.mistyped {
            self.read(automaton, |term| {
                edits::distance_within(text, term, edits).map(|distance| edit_cost(text, term, distance))
            })?;
        }
        if let Some(automaton) = &likely.mistyped_beginning {
            self.read(automaton, |_| Some(EDIT_COST + UNFINISHED_COST))?;
        }
        Ok(())
    }

    fn read(&mut self, automaton: &DfaWrapper, cost: impl Fn(&str) -> Option<f32>) -> Result<(), Error> {
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(self.field)?;
            let mut stream = index.terms().search(automaton).into_stream()?;
            let mut left = MOST_PREFIX_TERMS;
            while left > 0 && stream.advance() {
                left -= 1;
                if let Some((term, cost)) =
                    std::str::from_utf8(stream.key()).ok().and_then(|term| Some((term, cost(term)?)))
                {
                    self.add(term, cost);
                }
            }
        }
        Ok(())
    }

    fn unfinished(&mut self, text: &str, cost: impl Fn(&str) -> f32) -> Result<(), Error> {
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(self.field)?;
            let mut stream = index.terms().range().ge(text.as_bytes()).into_stream()?;
            let mut left = MOST_PREFIX_TERMS;
            while left > 0 && stream.advance() && stream.key().starts_with(text.as_bytes()) {
                left -= 1;
                if let Ok(term) = std::str::from_utf8(stream.key()) {
                    self.add(term, cost(term));
                }
            }
        }
        Ok(())
    }

    /// Keeps the cheapest meanings, the shorter ones of equal cost.
    fn cut(&mut self) {
        if self.found.len() <= MOST_MEANINGS {
            return;
        }
        let mut all: Vec<(String, f32)> = self.found.drain().collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.len().cmp(&b.0.len())).then(a.0.cmp(&b.0)));
        all.truncate(MOST_MEANINGS);
        self.found.extend(all);
    }
}

fn cut_cost(text: &str, term: &str) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a word has less than 2^23 letters")]
    let missing = 1.0 - text.len() as f32 / term.len().max(1) as f32;
    if term == text { 0.0 } else { UNFINISHED_COST + MISSING_COST * missing }
}

fn edit_cost(text: &str, term: &str, distance: usize) -> f32 {
    // A wrong first letter is rarer than another wrong letter.
    let first_differs = text.chars().next() != term.chars().next();
    EDIT_COST * f32::from(u8::try_from(distance).unwrap_or(u8::MAX)) + if first_differs { 0.05 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, dotted: bool) -> Written {
        Written::of(&Word { text: text.to_owned(), dotted })
    }

    #[test]
    fn a_full_stop_cuts_a_word_short_but_for_the_short_forms_of_streets() {
        assert_eq!(written("land", true), Written::Cut);
        assert_eq!(written("mont", true), Written::Cut, "Montgomery as well as Mount");
        assert_eq!(written("land", false), Written::Whole);
        assert_eq!(written("str", true), Written::Whole);
        assert_eq!(written("ave", true), Written::Whole);
        assert_eq!(written("3rd", true), Written::Whole);
        assert_eq!(written("st", true), Written::Whole);
    }

    #[test]
    fn a_beginning_costs_less_than_a_mistake_and_more_the_more_is_missing() {
        let costs = ["land", "landweg", "landstrasse"].map(|term| cut_cost("land", term));
        assert!(costs.is_sorted() && costs[0] <= 0.0 && costs[1] < costs[2], "{costs:?}");
        assert!(costs[2] < EDIT_COST);
    }
}
