//! Texts as the API accepts them. The patterns are what the document says and what is enforced: the two cannot differ.

use std::sync::LazyLock;

use garde::rules::pattern::regex::Regex;

/// A pattern that is compiled with its first use.
macro_rules! pattern {
    ($text:literal) => {
        LazyLock::new(|| {
            Regex::new($text).unwrap_or_else(|error| unreachable!("a pattern in the source: {error}"))
        })
    };
}

/// One line with something on it. In the document its middle is `\S`; here that class is spelled out as ECMA-262 defines it
/// (white space and line terminators): the library's own needs tables that a build of this crate alone leaves out.
pub static LINE: LazyLock<Regex> = pattern!(
    r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff][^\x00-\x1f\x7f]*$"
);
/// The prefix of order numbers.
pub static PREFIX: LazyLock<Regex> = pattern!(r"^[A-Z]{1,3}$");
/// ISO 3166-1 alpha-2.
pub static COUNTRY: LazyLock<Regex> = pattern!(r"^[A-Z]{2}$");
/// ISO 4217.
pub static CURRENCY: LazyLock<Regex> = pattern!(r"^[A-Z]{3}$");
/// Phone numbers in E.164.
pub static PHONE: LazyLock<Regex> = pattern!(r"^\+[1-9][0-9]{6,14}$");
/// Times of day.
pub static TIME: LazyLock<Regex> = pattern!(r"^([01][0-9]|2[0-3]):[0-5][0-9]$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_something_on_it() {
        for good in ["a", " a ", "面包店", "é", "a\u{a0}b"] {
            assert!(LINE.is_match(good), "{good:?}");
        }
        for bad in ["", " ", "\u{a0}", "\u{3000} \u{2003}", "a\nb", "a\u{7f}", "\0a"] {
            assert!(!LINE.is_match(bad), "{bad:?}");
        }
    }
}
