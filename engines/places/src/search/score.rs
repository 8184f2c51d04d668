//! How well a candidate fits the question.
//!
//! Two shares decide: how much of the candidate's name was asked for, and how much of the question the candidate explains.
//! Each word of the question is used once; the order of the words only breaks ties.

use std::rc::Rc;

use super::ask::{Ask, Unit, weight_of};
use super::edits::{self, Bag};
use crate::index::letters_of;

/// How a candidate fits.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Fit {
    /// Share of the name that was asked for, 0 to 1.
    pub cover: f32,
    /// Share of the question that is explained, 0 to 1, as a sum of weights.
    pub explained: f32,
    /// Bits of the words of the question that are used.
    pub used: u32,
    /// The words of the name came in their order, without others between.
    pub in_order: bool,
}

/// An edit in a name written without spaces costs this share of its letters; more than a third is another name.
const MOST_EDITS: f32 = 0.34;

impl Fit {
    /// The score of the fit, 0 to 1. `total` is the weight of the whole question.
    pub fn score(&self, total: f32, autocomplete: bool) -> f32 {
        let explained = if total > 0.0 { (self.explained / total).min(1.0) } else { 0.0 };
        // While somebody types, the rest of the name is still to come.
        let name_share = if autocomplete { 0.3 } else { 0.5 };
        let order = if self.in_order { 0.01 } else { 0.0 };
        (name_share * self.cover + (1.0 - name_share) * explained) * 0.99 + order
    }
}

/// Fits the words of a name, `key` being its one form.
pub(super) fn by_words(ask: &Ask, key: &str, _text: &str) -> Fit {
    let mut fit = Fit { in_order: true, ..Fit::default() };
    let (mut total, mut matched, mut last_end) = (0.0, 0.0, None);
    for word in key.split(' ').filter(|word| !word.is_empty()) {
        let weight = weight_of(word);
        total += weight;
        let candidates = ask.units.iter().filter(|unit| unit.mask() & fit.used == 0);
        let fitting = candidates.filter_map(|unit| Some((unit, *unit.names.get(word)?)));
        let after = |unit: &Unit| last_end.is_some_and(|end| unit.first != end);
        let best = fitting.min_by(|a, b| a.1.total_cmp(&b.1).then(after(a.0).cmp(&after(b.0))));
        let Some((unit, cost)) = best else {
            fit.in_order = false;
            continue;
        };
        matched += weight * (1.0 - cost);
        fit.explained += explained_by(ask, unit) * (1.0 - cost);
        fit.used |= unit.mask();
        fit.in_order &= !after(unit);
        last_end = Some(unit.first + unit.length);
    }
    fit.cover = if total > 0.0 { matched / total } else { 0.0 };
    fit
}

fn explained_by(ask: &Ask, unit: &Unit) -> f32 {
    (unit.first..unit.first + unit.length).map(|word| ask.weight(word)).sum()
}

/// Fits a name as one row of letters against neighbouring words of the question: for names that were split, joined or mistyped
/// beyond what single words allow.
pub(super) fn by_letters(ask: &Ask, key: &str, text: &str) -> Fit {
    let formed: Vec<char> = key.chars().filter(|c| *c != ' ').collect();
    let written: Vec<char> = letters_of(text).chars().collect();
    let mut best = Fit::default();
    best_row(ask, &formed, &mut best);
    if written != formed {
        best_row(ask, &written, &mut best);
    }
    best
}

/// What a name compared letter by letter lacks to one found word by word.
const BY_LETTERS_COST: f32 = 0.02;

fn best_row(ask: &Ask, name: &[char], best: &mut Fit) {
    if name.len() < 3 {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a name has less than 2^23 letters")]
    let letters = name.len() as f32;
    let bag = Bag::of(name);
    for row in &ask.rows {
        // More edits than these make no better fit than the best so far.
        let share = MOST_EDITS.min(1.0 - BY_LETTERS_COST - best.cover + 1e-4);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a third of a name")]
        let most = (share * letters).max(0.0) as usize;
        let most = most.min(name.len().max(row.letters.len()) / 3);
        if bag.edits_at_least(&row.bag) > most {
            continue;
        }
        let Some(distance) = edits::between(&row.letters, name, most) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "at most a third of a name")]
        let cover = 1.0 - distance as f32 / letters - BY_LETTERS_COST;
        if (cover, row.weight) > (best.cover, best.explained) {
            *best = Fit { cover, explained: row.weight * cover, used: row.used, in_order: true };
        }
    }
}

/// Adds what the words of the town, district and postcode explain.
pub(super) fn add_area(ask: &Ask, fit: &mut Fit, area: &[Rc<[String]>]) {
    let is_there = |term: &String| area.iter().any(|words| words.contains(term));
    for unit in &ask.units {
        if unit.mask() & fit.used != 0 {
            continue;
        }
        // A short number is a house number, not the beginning of a postcode.
        let is_short_number = unit.number.is_some() && unit.text.len() < 3;
        let fitting = unit.areas.iter().filter(|(term, _)| is_there(term)).map(|(_, cost)| *cost);
        let cost = fitting.reduce(f32::min).filter(|cost| !is_short_number || *cost <= 0.0);
        if let Some(cost) = cost {
            fit.explained += explained_by(ask, unit) * (1.0 - cost);
            fit.used |= unit.mask();
        }
    }
}

/// The house numbers among the words that are not used yet: of "12 a", both "12a" and "12", the longer first.
pub(super) fn numbers<'a>(ask: &'a Ask, fit: &Fit) -> Vec<&'a Unit> {
    let mut free: Vec<&Unit> =
        ask.units.iter().filter(|unit| unit.number.is_some() && unit.mask() & fit.used == 0).collect();
    free.sort_by_key(|unit| std::cmp::Reverse(unit.length));
    free
}
