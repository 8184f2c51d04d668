//! Words that are written in several ways, in the languages of the addresses.
//!
//! Sources: USPS Publication 28 appendix C (street suffixes), the abbreviation lists of the OpenStreetMap wiki page "Name
//! finder:Abbreviations", and the forms seen in the test extracts.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::fold::Word;

/// One form, and the forms that mean it. All folded, hence `avenu` and `ru`. The first list holds kinds of street, which say little about which street.
const KINDS: &[(&str, &[&str])] = &[
    // `st` is also the saint: both directions are lost on purpose, the order of the words tells them apart.
    ("st", &["street", "str", "strasse", "straat", "stret", "saint", "sankt", "sainte", "ste", "strada"]),
    ("ave", &["avenu", "av", "avenida", "avda", "aven", "avn"]),
    ("rd", &["road"]),
    ("blvd", &["boulevard", "boul", "bd", "bvd", "bvard", "bulevar", "bulevard", "bulvar", "bulevardi"]),
    ("ln", &["lane"]),
    ("dr", &["drive", "drv", "doctor", "doktor", "doutor", "dottore"]),
    ("ct", &["court", "crt"]),
    (
        "pl",
        &[
            "place", "platz", "plaza", "plaats", "plads", "plats", "plass", "praca", "piazza", "placa",
            "plac", "pza", "pca", "pzza",
        ],
    ),
    ("sq", &["square", "sqr"]),
    ("ter", &["terrace", "terr", "terrasse"]),
    ("hwy", &["highway", "hiway"]),
    ("pkwy", &["parkway", "pky"]),
    ("cir", &["circle", "circ", "crcl"]),
    ("aly", &["alley", "ally"]),
    ("trl", &["trail"]),
    ("way", &["wy"]),
    ("xing", &["crossing"]),
    ("expy", &["expressway"]),
    ("fwy", &["freeway"]),
    ("brg", &["bridge"]),
    ("r", &["rua", "ru"]),
    ("tv", &["travessa", "trav"]),
    ("lg", &["largo", "lgo"]),
    ("estr", &["estrada"]),
    ("al", &["alameda", "allee", "alle", "aleja", "aleje"]),
    ("c", &["calle", "carrer", "cl"]),
    ("ctra", &["carretera"]),
    ("pso", &["paseo", "passeig", "passeio", "pg"]),
    ("v", &["via"]),
    ("vle", &["viale"]),
    ("cso", &["corso"]),
    ("imp", &["impasse"]),
    ("ch", &["chemin", "che"]),
    ("rte", &["route"]),
    ("ul", &["ulica", "ulitsa", "ulice", "ул", "улица", "вулиця", "вул"]),
    ("пр", &["проспект", "просп"]),
    ("os", &["osiedle"]),
];

/// Other words with short forms.
const SHORT_FORMS: &[(&str, &[&str])] = &[
    ("n", &["north", "nord", "norte"]),
    ("s", &["south", "sud", "sur", "sul"]),
    ("e", &["east", "est", "este", "ost", "leste"]),
    ("w", &["west", "oust", "oste"]),
    ("ne", &["northeast", "nordost", "nordeste"]),
    ("nw", &["northwest", "nordwest"]),
    ("se", &["southeast", "sudost"]),
    ("sw", &["southwest", "sudwest"]),
    ("mt", &["mount", "mont"]),
    ("ft", &["fort"]),
    ("sta", &["santa"]),
    ("sto", &["santo"]),
    ("prof", &["professor", "professeur", "profesor"]),
    ("gen", &["general", "gral", "generale"]),
    ("pres", &["president", "presidente"]),
    ("ctr", &["center", "centre", "centro", "zentrum"]),
    ("gr", &["grosse", "grosser", "grosses"]),
    ("kl", &["kleine", "kleiner", "kleines"]),
    ("bhf", &["bahnhof"]),
    ("1th", &["first"]),
    ("2th", &["second"]),
    ("3th", &["third"]),
    ("4th", &["fourth"]),
    ("5th", &["fifth"]),
    ("6th", &["sixth"]),
    ("7th", &["seventh"]),
    ("8th", &["eighth"]),
    ("9th", &["ninth"]),
    ("10th", &["tenth"]),
    ("11th", &["eleventh"]),
    ("12th", &["twelfth"]),
];

/// Words that say nothing about where: they may be missing on either side.
const FILLERS: &[&str] = &[
    "nr",
    "no",
    "num",
    "nummer",
    "number",
    "numero",
    "hausnummer",
    "the",
    "of",
    "and",
    "und",
    "et",
    "y",
    "de",
    "la",
    "le",
    "les",
    "du",
    "des",
    "del",
    "della",
    "di",
    "do",
    "da",
    "dos",
    "das",
    "der",
    "die",
    "den",
    "van",
    "von",
    "het",
    "l",
    "d",
    "am",
    "im",
    "an",
    "in",
    "zum",
    "zur",
    "auf",
    "apt",
    "apartment",
    "unit",
    "suite",
    "floor",
    "etage",
    "stock",
    "top",
    "usa",
];

/// Endings of one-word street names and their short forms. The flag: only with a full stop behind, since the letter alone
/// ends many words.
const ENDINGS: &[(&str, bool, &[&str])] = &[
    ("str", false, &["strasse", "straat"]),
    ("stras", true, &["strasse"]),
    ("pl", true, &["platz", "plein", "plan"]),
    ("gt", true, &["gate", "gatan"]),
    ("gat", true, &["gatan"]),
    ("ln", true, &["laan"]),
    ("k", true, &["katu"]),
    ("t", true, &["tie"]),
    ("g", true, &["gatan", "gasse", "gate"]),
    ("v", true, &["vagen", "vej", "vegen"]),
    ("w", true, &["weg"]),
];

/// The one form of a word.
pub(crate) fn canonical(word: &Word) -> String {
    if let Some(form) = class_of(&word.text) {
        return form.to_owned();
    }
    if let Some(ordinal) = ordinal(&word.text) {
        return ordinal;
    }
    expansions(word).into_iter().next().unwrap_or_else(|| word.text.clone())
}

/// Asked for every word of every candidate.
fn class_of(text: &str) -> Option<&'static str> {
    static FORMS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
        classes()
            .flat_map(|(form, forms)| {
                forms.iter().chain([&form]).map(move |way| (*way, form)).collect::<Vec<_>>()
            })
            .collect()
    });
    FORMS.get(text).copied()
}

fn classes() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    KINDS.iter().chain(SHORT_FORMS).copied()
}

/// What a shortened one-word name may stand for: `landstr` for `landstrasse` and `landstraat`.
pub(crate) fn expansions(word: &Word) -> Vec<String> {
    ENDINGS
        .iter()
        .filter(|(_, needs_stop, _)| word.dotted || !needs_stop)
        .filter_map(|(short, _, long)| word.text.strip_suffix(short).map(|stem| (stem, long)))
        .find(|(stem, _)| {
            // With a full stop also the short ones: "Austr." is Austrasse.
            let least = if word.dotted { 2 } else { 3 };
            stem.chars().count() >= least && stem.chars().all(char::is_alphabetic)
        })
        .map(|(stem, long)| long.iter().map(|ending| format!("{stem}{ending}")).collect())
        .unwrap_or_default()
}

/// `3rd`, `13th`, `1er`, `2eme` as `3th`, `13th`, `1th`, `2th`.
fn ordinal(text: &str) -> Option<String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).filter(|at| (1..=3).contains(at))?;
    let (number, ending) = text.split_at(digits);
    matches!(ending, "st" | "nd" | "rd" | "th" | "er" | "eme" | "ere").then(|| format!("{number}th"))
}

/// Whether a word in its one form says only what kind of street it is.
pub(crate) fn is_generic(canonical: &str) -> bool {
    static FORMS: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| KINDS.iter().map(|(form, _)| *form).collect());
    FORMS.contains(canonical)
}

/// Whether a word may be missing on either side.
pub(crate) fn is_filler(canonical: &str) -> bool {
    static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| FILLERS.iter().copied().collect());
    WORDS.contains(canonical)
}

/// The long ways to write the words that have a short form, each with that form: a mistyped `steet` or a half-typed `stre` is
/// compared with these, since the index knows only `st`.
pub(crate) fn long_forms() -> impl Iterator<Item = (&'static str, &'static str)> {
    classes()
        .flat_map(|(form, forms)| forms.iter().map(move |long| (*long, form)))
        .filter(|(long, _)| long.len() > 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, dotted: bool) -> Word {
        Word { text: text.to_owned(), dotted }
    }

    #[test]
    fn no_form_belongs_to_two_words() {
        let mut seen = std::collections::BTreeMap::new();
        for (form, forms) in classes() {
            for name in forms.iter().chain(std::iter::once(&form)) {
                assert_eq!(seen.insert(*name, form), None, "{name} means two things");
            }
        }
    }

    #[test]
    fn every_form_is_folded() {
        for (form, forms) in classes() {
            for name in forms.iter().chain(std::iter::once(&form)) {
                assert_eq!(super::super::fold(name), *name);
            }
        }
    }

    #[test]
    fn a_letter_is_an_ending_only_before_a_full_stop() {
        assert_eq!(canonical(&word("annank", true)), "annankatu");
        assert_eq!(canonical(&word("annank", false)), "annank");
        assert_eq!(canonical(&word("kerkstr", false)), "kerkstrasse");
        assert_eq!(expansions(&word("kerkstr", false)), ["kerkstrasse", "kerkstraat"]);
    }

    #[test]
    fn ordinals_have_one_ending() {
        assert_eq!(canonical(&word("3rd", false)), "3th");
        assert_eq!(canonical(&word("22nd", false)), "22th");
        assert_eq!(canonical(&word("12a", false)), "12a");
        assert_eq!(canonical(&word("third", false)), "3th");
    }
}
