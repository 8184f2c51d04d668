//! Ways to write an address that the rules of the search were not tuned on, but for the words cut short, whose rules came
//! after they were first measured.

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::sample::{Kind, Truth};

/// A way to write an address, and which question of the tuned ones it counts like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HeldOut {
    /// City, number, street, each word in reverse order.
    WordsReversed,
    WordsShuffled,
    NumberFirstWithoutCity,
    /// A letter is missing and so is the city.
    LetterLostWithoutCity,
    /// Long words of the street end after four letters: `Land. 12 Vaduz`.
    WordsCutShort,
    /// The town too: `Land. 12 Vadu.`.
    AllWordsCut,
    /// The same without a full stop: `Land 12 Vadu`.
    AllWordsCutWithoutStop,
    /// ü as ue, ß as ss, other accents lost.
    SpelledOut,
    /// Everything in small letters without accents, ß as ss.
    AccentsLost,
    /// A digit of the postcode is wrong.
    WrongPostcode,
}

pub(crate) const HELD_OUT: [HeldOut; 10] = [
    HeldOut::WordsReversed,
    HeldOut::WordsShuffled,
    HeldOut::NumberFirstWithoutCity,
    HeldOut::LetterLostWithoutCity,
    HeldOut::WordsCutShort,
    HeldOut::AllWordsCut,
    HeldOut::AllWordsCutWithoutStop,
    HeldOut::SpelledOut,
    HeldOut::AccentsLost,
    HeldOut::WrongPostcode,
];

impl HeldOut {
    /// The text; `None` where this address is not written differently in this way.
    pub(crate) fn text(self, truth: &Truth, rng: &mut ChaCha8Rng) -> Option<String> {
        let Truth { street, number, postcode, city, .. } = truth;
        let plain = format!("{street} {number} {city}");
        let text = match self {
            Self::WordsReversed => plain.split_whitespace().rev().collect::<Vec<_>>().join(" "),
            Self::WordsShuffled => {
                let mut words: Vec<&str> = plain.split_whitespace().collect();
                words.shuffle(rng);
                words.join(" ")
            }
            Self::NumberFirstWithoutCity => format!("{number} {street}"),
            Self::LetterLostWithoutCity => format!("{} {number}", without_a_letter(street, rng)?),
            Self::WordsCutShort => format!("{} {number} {city}", cut_short(street, ".")),
            Self::AllWordsCut => format!("{} {number} {}", cut_short(street, "."), cut_short(city, ".")),
            Self::AllWordsCutWithoutStop => {
                format!("{} {number} {}", cut_short(street, ""), cut_short(city, ""))
            }
            Self::SpelledOut => lost_accents(&spelled_out(&plain)),
            Self::AccentsLost => lost_accents(&plain).replace('ß', "ss").to_lowercase(),
            Self::WrongPostcode => format!("{street} {number}, {} {city}", wrong(postcode, rng)?),
        };
        let changed = text.to_lowercase() != plain.to_lowercase();
        changed.then(|| text.trim().to_owned())
    }

    /// Whose rule says what a right answer is.
    pub(crate) fn counts_like(self) -> Kind {
        match self {
            Self::NumberFirstWithoutCity | Self::LetterLostWithoutCity => Kind::WithoutCity,
            _ => Kind::StreetNumberCity,
        }
    }
}

fn without_a_letter(street: &str, rng: &mut ChaCha8Rng) -> Option<String> {
    let places: Vec<(usize, char)> = street.char_indices().filter(|(_, c)| c.is_alphabetic()).collect();
    let (at, letter) = *places.choose(rng)?;
    Some(format!("{}{}", &street[..at], &street[at + letter.len_utf8()..]))
}

fn cut_short(street: &str, end: &str) -> String {
    let cut = |word: &str| {
        let beginning = || word.chars().take(4).chain(end.chars()).collect();
        if word.chars().count() > 5 { beginning() } else { word.to_owned() }
    };
    street.split_whitespace().map(cut).collect::<Vec<_>>().join(" ")
}

fn spelled_out(text: &str) -> String {
    [("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"), ("ß", "ss")]
        .iter()
        .fold(text.to_owned(), |text, (letter, spelled)| text.replace(letter, spelled))
}

fn lost_accents(text: &str) -> String {
    text.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

fn wrong(postcode: &str, rng: &mut ChaCha8Rng) -> Option<String> {
    let digits: Vec<usize> =
        postcode.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    let at = *digits.choose(rng)?;
    let other = postcode[at..].chars().next()?.to_digit(10).map(|digit| (digit + 1) % 10)?;
    Some(format!("{}{other}{}", &postcode[..at], &postcode[at + 1..]))
}
