//! How names are compared: letters folded, words split, abbreviations brought to one form.
//!
//! The same functions prepare the index and the query, so a rule may lose information (street, strasse and saint all become
//! `st`) as long as it loses it on both sides. What is lost is only used to find; labels keep the written form.

mod fold;
mod number;
mod words;

pub(crate) use fold::{Word, fold, split};
pub use number::HouseNumber;
pub(crate) use words::{canonical, expansions, is_filler, is_generic, long_forms};

/// Characters of a query that are read; the rest is ignored. The longest address seen in the test extracts has 92.
pub const MAX_QUERY_CHARS: usize = 200;

/// Words of a query that are read; the rest is ignored.
pub const MAX_QUERY_WORDS: usize = 14;

/// The words of a name in their one form.
pub(crate) fn name_words(name: &str) -> Vec<String> {
    split(name, MAX_QUERY_CHARS, MAX_QUERY_WORDS).iter().map(canonical).collect()
}

/// The words of a name in their one form, joined with spaces: two names are the same when this is.
pub(crate) fn name_key(name: &str) -> String {
    name_words(name).join(" ")
}

#[cfg(test)]
mod tests {
    use super::name_key;

    #[test]
    fn spellings_of_one_street_have_one_key() {
        for (one, other) in [
            ("Landstraße", "LANDSTRASSE"),
            ("Landstr.", "Landstrasse"),
            ("Fürst-Franz-Josef-Straße", "Fuerst Franz Josef Str."),
            ("Main Street", "main st."),
            ("Rua Augusta", "R. Augusta"),
            ("Avenida da Liberdade", "Av. da Liberdade"),
            ("Mannerheimink.", "Mannerheiminkatu"),
            ("North Point Street", "N Point St"),
            ("O'Farrell Street", "OFarrell st"),
            ("3rd Street", "Third St"),
            ("Rue de l'Opéra", "rue de l Opera"),
            ("Łąkowa", "lakowa"),
        ] {
            assert_eq!(name_key(one), name_key(other), "{one} / {other}");
        }
    }

    #[test]
    fn different_streets_keep_different_keys() {
        for (one, other) in
            [("3rd Street", "13th Street"), ("Im Riet", "Am Riet"), ("Landstrasse", "Langstrasse")]
        {
            assert_ne!(name_key(one), name_key(other), "{one} / {other}");
        }
    }
}
