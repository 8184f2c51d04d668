//! The question: its words, and what each may mean in the index.

use tantivy::Searcher;
use tantivy::schema::Field;

use super::edits::Bag;
use super::meanings::{self, Meanings, Written};
use crate::Error;
use crate::text::{
    self, HouseNumber, MAX_QUERY_CHARS, MAX_QUERY_WORDS, Word, canonical, is_filler, is_generic,
};

/// One word of the question, or two neighbours written apart, with what they may mean.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Index of the first word.
    pub first: usize,
    /// 1 or 2.
    pub length: usize,
    pub text: String,
    /// Words of names.
    pub names: Meanings,
    /// Words of towns and postcodes.
    pub areas: Meanings,
    /// The house number that this may be.
    pub number: Option<HouseNumber>,
}

impl Unit {
    /// The bits of the words that it covers.
    pub fn mask(&self) -> u32 {
        ((1 << self.length) - 1) << self.first
    }

    /// Whether it is written as in the name of a town or a postcode.
    pub fn is_of_a_town(&self) -> bool {
        self.areas.values().any(|cost| *cost <= 0.0)
    }
}

/// Neighbouring words written together, which a name may have been split into or joined from.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub letters: Vec<char>,
    pub bag: Bag,
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
            let words = &self.words[unit.first..unit.first + unit.length];
            let written = match words {
                _ if self.ends_open && unit.first + unit.length == last => Written::Typing,
                [word] => Written::of(word),
                _ => Written::Whole,
            };
            [unit.names, unit.areas] = meanings::find(searcher, [name, area], words, (&unit.text, written))?;
        }
        Ok(())
    }

    /// Whether a full stop behind a word says that it was cut short, and it is none of the index as it stands.
    pub fn has_cut_word(&self) -> bool {
        let is_exact = |meanings: &Meanings| meanings.values().any(|cost| *cost <= 0.0);
        let single = self.units.iter().filter(|unit| unit.length == 1);
        single
            .filter(|unit| Written::of(&self.words[unit.first]) == Written::Cut)
            .any(|unit| !is_exact(&unit.names) && !is_exact(&unit.areas))
    }

    /// Takes every word as the beginning of one, but for those that are a town's as they stand: Triesen is not the beginning of
    /// Triesenberg. Whether that gave any of them a new meaning.
    pub fn look_up_beginnings(
        &mut self,
        searcher: &Searcher,
        name: Field,
        area: Field,
    ) -> Result<bool, Error> {
        let mut is_new = false;
        let may_be_cut = |unit: &&mut Unit| {
            unit.length == 1 && meanings::is_beginning(&self.words[unit.first]) && !unit.is_of_a_town()
        };
        for unit in self.units.iter_mut().filter(may_be_cut) {
            is_new |= meanings::add_beginnings(searcher, name, &unit.text, &mut unit.names)?;
            is_new |= meanings::add_beginnings(searcher, area, &unit.text, &mut unit.areas)?;
        }
        Ok(is_new)
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
            let row = |text: &str| {
                let letters: Vec<char> = text.chars().collect();
                Row { bag: Bag::of(&letters), letters, used, weight }
            };
            rows.push(row(&written));
            rows.extend(differs.then(|| row(&formed)));
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
    Unit { first, length, text, names: Meanings::new(), areas: Meanings::new(), number }
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
