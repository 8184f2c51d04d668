//! Folding letters and splitting words.
//!
//! Folding: compatibility decomposition without its accents (Unicode Standard Annex 15), letters that do not decompose by
//! table, and the German spelling-out of umlauts undone (`ae`, `oe`, `ue`), so that Muehle, Mühle and Muhle are one word.

use unicode_normalization::UnicodeNormalization as _;

/// One word of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Word {
    /// Folded letters and digits; within a house number also `-` and `/`.
    pub text: String,
    /// A full stop followed, as in an abbreviation.
    pub dotted: bool,
}

/// Lower-case letters without accents.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase).nfkd().filter(|c| !is_accent(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' | 'ä' => folded.push('a'),
            'ø' | 'œ' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            // The spelled-out umlaut: the letter before is already written.
            'e' if folded.ends_with(['a', 'o', 'u']) => {}
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// Combining accents, Hebrew points, Arabic vowel signs. Marks of other scripts are letters there and stay.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{652}')
}

/// The words of `text`, folded; at most `max_words` out of the first `max_chars` characters.
pub(crate) fn split(text: &str, max_chars: usize, max_words: usize) -> Vec<Word> {
    let chars: Vec<char> = text.chars().take(max_chars).collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (i, &c) in chars.iter().enumerate() {
        let kept = if c.is_alphanumeric() || is_accent(c) {
            Some(c)
        } else if is_apostrophe(c) && !is_elided_article(&word) {
            continue;
        } else {
            joins_a_number(&word, &chars[i..]).then_some(c)
        };
        match kept {
            Some(c) => word.push(c),
            None => finish(&mut words, &mut word, c == '.'),
        }
    }
    finish(&mut words, &mut word, false);
    words.truncate(max_words);
    words
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{b4}' | '\u{2bc}')
}

/// French and Italian write the article with an apostrophe: `l'Opéra` is two words, `O'Farrell` is one.
fn is_elided_article(word: &str) -> bool {
    matches!(word, "l" | "L" | "d" | "D" | "dell" | "Dell" | "all" | "nell")
}

/// `12-14`, `3/5` and `12/a` are one house number; `Franz-Josef` is two words, and so is `12-Bahnhof`.
fn joins_a_number(word: &str, rest: &[char]) -> bool {
    let [sign, next, after @ ..] = rest else { return false };
    matches!(sign, '-' | '/' | '\u{2013}')
        && word.starts_with(|c: char| c.is_ascii_digit())
        && (next.is_ascii_digit()
            || (next.is_alphabetic() && !after.first().is_some_and(|c| c.is_alphabetic())))
}

fn finish(words: &mut Vec<Word>, word: &mut String, dotted: bool) {
    let text = fold(word).replace('\u{2013}', "-");
    word.clear();
    if !text.is_empty() {
        words.push(Word { text, dotted });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text, 200, 20).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn umlauts_may_be_dropped_or_spelled_out() {
        assert_eq!(fold("Mühle"), fold("Muehle"));
        assert_eq!(fold("Mühle"), fold("muhle"));
        assert_eq!(fold("Ångström"), "angstrom");
        assert_eq!(fold("Weiß"), "weiss");
        assert_eq!(fold("İstanbul"), "istanbul");
    }

    #[test]
    fn a_decomposed_letter_equals_the_composed_one() {
        assert_eq!(fold("e\u{301}"), fold("é"));
    }

    #[test]
    fn ranges_and_fractions_stay_one_word() {
        assert_eq!(words("Hauptstr. 12-14"), ["hauptstr", "12-14"]);
        assert_eq!(words("Weg 3/5, 9490"), ["weg", "3/5", "9490"]);
        assert_eq!(words("12/a Weg"), ["12/a", "weg"]);
        assert_eq!(words("Franz-Josef-Strasse"), ["franz", "josef", "strasse"]);
        assert_eq!(words("12-Bahnhof"), ["12", "bahnhof"]);
    }

    #[test]
    fn signs_alone_give_no_word() {
        assert!(words("!?.,;-–/'\"*(){}[]^~:\\+&|").is_empty());
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(split(&"ab ".repeat(10_000), 200, 14).len(), 14);
        assert_eq!(split(&"a".repeat(10_000), 200, 14)[0].text.len(), 200);
    }
}
