//! The question: its words, and what each may mean in the index.

use std::collections::HashMap;

use tantivy::query::{DfaWrapper, FuzzyTermQuery};
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::edits;
use crate::Error;
use crate::text::{
    self, HouseNumber, MAX_QUERY_CHARS, MAX_QUERY_WORDS, Word, canonical, expansions, is_filler, is_generic,
    long_forms,
};

/// Words of the index that one word of the question may mean.
const MOST_MEANINGS: usize = 40;

/// Terms that are read for one unfinished word.
const MOST_PREFIX_TERMS: usize = 400;

/// What a mistake costs, out of 1 for a whole word.
pub(super) const EDIT_COST: f32 = 0.2;
const UNFINISHED_COST: f32 = 0.06;
const ORDINAL_COST: f32 = 0.1;

/// One word of the question, or two neighbours written apart, with what they may mean.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Index of the first word.
    pub first: usize,
    /// 1 or 2.
    pub length: usize,
    pub text: String,
    /// Words of names, each with its cost.
    pub names: HashMap<String, f32>,
    /// Words of towns and postcodes, each with its cost.
    pub areas: HashMap<String, f32>,
    /// The house number that this may be.
    pub number: Option<HouseNumber>,
}

impl Unit {
    /// The bits of the words that it covers.
    pub fn mask(&self) -> u32 {
        ((1 << self.length) - 1) << self.first
    }
}

/// Neighbouring words written together, which a name may have been split into or joined from.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub letters: Vec<char>,
    /// Bits of the words.
    pub used: u32,
    /// What the words weigh.
    pub weight: f32,
}

/// Words that are written together at most.
const MOST_JOINED: usize = 5;

/// The question.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub words: Vec<Word>,
    /// The one form of each word.
    pub canonical: Vec<String>,
    pub units: Vec<Unit>,
    pub rows: Vec<Row>,
    pub autocomplete: bool,
    /// The end of the text is a finished word.
    pub ends_open: bool,
}

impl Ask {
    /// Reads a text: its first words only, see [`MAX_QUERY_WORDS`].
    pub fn new(text: &str, autocomplete: bool) -> Self {
        let text = close_ranges(text);
        let words = text::split(&text, MAX_QUERY_CHARS, MAX_QUERY_WORDS);
        let canonical: Vec<String> = words.iter().map(canonical).collect();
        let ends_open = autocomplete && text.ends_with(|c: char| c.is_alphanumeric());
        let mut units: Vec<Unit> = (0..words.len()).map(|at| unit(&words, at, 1)).collect();
        units.extend((1..words.len()).map(|at| unit(&words, at - 1, 2)));
        let rows = rows(&words, &canonical);
        Self { words, canonical, units, rows, autocomplete, ends_open }
    }

    /// Looks the meanings up.
    pub fn look_up(&mut self, searcher: &Searcher, name: Field, area: Field) -> Result<(), Error> {
        let last = self.words.len();
        for unit in &mut self.units {
            let open = self.ends_open && unit.first + unit.length == last;
            let words = &self.words[unit.first..unit.first + unit.length];
            let likely = Likely::of(words, &unit.text, name, open)?;
            let find = |field: Field| {
                Finder { searcher, open, likely: &likely, found: HashMap::new() }
                    .find(field, words, &unit.text)
            };
            unit.names = find(name)?;
            unit.areas = find(area)?;
        }
        Ok(())
    }

    /// How much a word counts when it is asked how much of the question an answer explains.
    pub fn weight(&self, word: usize) -> f32 {
        weight_of(&self.canonical[word])
    }
}

/// How much a word in its one form says.
pub(super) fn weight_of(canonical: &str) -> f32 {
    if is_generic(canonical) {
        0.35
    } else if is_filler(canonical) {
        0.25
    } else {
        match canonical.chars().count() {
            0..=3 => 1.0,
            4..=6 => 1.2,
            _ => 1.5,
        }
    }
}

fn rows(words: &[Word], canonical: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    for first in 0..words.len() {
        for last in first + 1..=words.len().min(first + MOST_JOINED) {
            let written: String = words[first..last].iter().map(|word| word.text.as_str()).collect();
            let formed = canonical[first..last].concat();
            let used = (first..last).fold(0, |mask, word| mask | (1 << word));
            let weight = canonical[first..last].iter().map(|word| weight_of(word)).sum();
            let differs = formed != written;
            rows.push(Row { letters: written.chars().collect(), used, weight });
            if differs {
                rows.push(Row { letters: formed.chars().collect(), used, weight });
            }
        }
    }
    rows
}

/// `12 - 14` and `3 / 5` are one number.
fn close_ranges(text: &str) -> String {
    let mut closed = String::with_capacity(text.len().min(4 * MAX_QUERY_CHARS));
    let chars: Vec<char> = text.chars().take(MAX_QUERY_CHARS).collect();
    for (at, c) in chars.iter().enumerate() {
        let is_sign = |c: &char| matches!(c, '-' | '/' | '\u{2013}');
        let digit_before = chars[..at]
            .iter()
            .rev()
            .find(|c| !c.is_whitespace() && !is_sign(c))
            .is_some_and(char::is_ascii_digit);
        let digit_after =
            chars[at..].iter().find(|c| !c.is_whitespace() && !is_sign(c)).is_some_and(char::is_ascii_digit);
        let beside_sign = (at > 0 && is_sign(&chars[at - 1])) || chars.get(at + 1).is_some_and(is_sign);
        if !(c.is_whitespace() && beside_sign && digit_before && digit_after) {
            closed.push(*c);
        }
    }
    closed
}

fn unit(words: &[Word], first: usize, length: usize) -> Unit {
    let part = &words[first..first + length];
    let text: String = part.iter().map(|word| word.text.as_str()).collect();
    // Of two words only "12 a" and "677 1/2" are numbers.
    let may_be_number = match part {
        [_] => true,
        [number, rest] => {
            let is_letter = rest.text.len() == 1 && rest.text.chars().all(char::is_alphabetic);
            let is_fraction = rest.text.len() == 3 && rest.text.contains('/');
            number.text.chars().all(|c| c.is_ascii_digit()) && (is_letter || is_fraction)
        }
        _ => false,
    };
    let written = part.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let number = may_be_number.then(|| HouseNumber::parse(&written)).flatten();
    Unit { first, length, text, names: HashMap::new(), areas: HashMap::new(), number }
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
}

impl Likely {
    fn of(words: &[Word], text: &str, field: Field, open: bool) -> Result<Self, Error> {
        let mut likely = Self { edits: 0, mistyped: None, mistyped_beginning: None, forms: Vec::new() };
        if words.len() > 1 || text.chars().all(|c| c.is_ascii_digit()) {
            return Ok(likely);
        }
        let term = || Term::from_field_text(field, text);
        likely.edits = allowed_edits(text);
        if likely.edits > 0 {
            likely.mistyped = Some(FuzzyTermQuery::new(term(), likely.edits, true).automaton()?);
            if open && text.chars().count() >= 5 {
                likely.mistyped_beginning = Some(FuzzyTermQuery::new_prefix(term(), 1, true).automaton()?);
            }
        }
        likely.forms = forms(text, usize::from(likely.edits.min(1)), open);
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
    open: bool,
    likely: &'a Likely,
    found: HashMap<String, f32>,
}

impl Finder<'_> {
    fn find(mut self, field: Field, words: &[Word], text: &str) -> Result<HashMap<String, f32>, Error> {
        let [word] = words else {
            self.exact(field, text, 0.03)?;
            return Ok(self.found);
        };
        self.exact(field, &canonical(word), 0.0)?;
        for expansion in expansions(word) {
            self.exact(field, &expansion, 0.0)?;
        }
        self.exact(field, text, 0.0)?;
        self.ordinals(field, text)?;
        self.mistyped(field, text)?;
        for (form, cost) in &self.likely.forms {
            self.exact(field, form, *cost)?;
        }
        if self.open {
            self.unfinished(field, text)?;
        }
        self.cut();
        Ok(self.found)
    }

    fn add(&mut self, term: &str, cost: f32) {
        let known = self.found.entry(term.to_owned()).or_insert(cost);
        *known = known.min(cost);
    }

    fn exact(&mut self, field: Field, text: &str, cost: f32) -> Result<(), Error> {
        let term = Term::from_field_text(field, text);
        for segment in self.searcher.segment_readers() {
            if segment.inverted_index(field)?.terms().get(term.serialized_value_bytes())?.is_some() {
                self.add(text, cost);
            }
        }
        Ok(())
    }

    /// `3 street` means `3rd street`; `13ht` means `13th`.
    fn ordinals(&mut self, field: Field, text: &str) -> Result<(), Error> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        if !(1..=3).contains(&digits) {
            return Ok(());
        }
        let (number, ending) = text.split_at(digits);
        let is_near = |known: &&str| edits::distance(ending, known) <= 1;
        if ending.is_empty() || (ending.len() <= 3 && ["st", "nd", "rd", "th"].iter().any(is_near)) {
            self.exact(field, &format!("{number}th"), ORDINAL_COST)?;
        }
        Ok(())
    }

    fn mistyped(&mut self, field: Field, text: &str) -> Result<(), Error> {
        let edits = usize::from(self.likely.edits);
        if let Some(automaton) = &self.likely.mistyped {
            self.read(field, automaton, |term| {
                edits::distance_within(text, term, edits).map(|distance| edit_cost(text, term, distance))
            })?;
        }
        if let Some(automaton) = &self.likely.mistyped_beginning {
            self.read(field, automaton, |_| Some(EDIT_COST + UNFINISHED_COST))?;
        }
        Ok(())
    }

    fn read(
        &mut self,
        field: Field,
        automaton: &DfaWrapper,
        cost: impl Fn(&str) -> Option<f32>,
    ) -> Result<(), Error> {
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
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

    fn unfinished(&mut self, field: Field, text: &str) -> Result<(), Error> {
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut stream = index.terms().range().ge(text.as_bytes()).into_stream()?;
            let mut left = MOST_PREFIX_TERMS;
            while left > 0 && stream.advance() && stream.key().starts_with(text.as_bytes()) {
                left -= 1;
                if let Ok(term) = std::str::from_utf8(stream.key()) {
                    self.add(term, if term == text { 0.0 } else { UNFINISHED_COST });
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

fn edit_cost(text: &str, term: &str, distance: usize) -> f32 {
    // A wrong first letter is rarer than another wrong letter.
    let first_differs = text.chars().next() != term.chars().next();
    EDIT_COST * f32::from(u8::try_from(distance).unwrap_or(u8::MAX)) + if first_differs { 0.05 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaced_ranges_are_closed_and_names_are_not() {
        assert_eq!(close_ranges("Hauptstr. 12 - 14"), "Hauptstr. 12-14");
        assert_eq!(close_ranges("Weg 3 / 5, Ort"), "Weg 3/5, Ort");
        assert_eq!(close_ranges("12 - Bahnhof"), "12 - Bahnhof");
    }

    #[test]
    fn a_letter_after_a_number_belongs_to_it() {
        let ask = Ask::new("Landstrasse 12 a", false);
        let numbers: Vec<String> =
            ask.units.iter().filter_map(|unit| Some(unit.number.as_ref()?.text.clone())).collect();
        assert_eq!(numbers, ["12", "12a"]);
    }
}
