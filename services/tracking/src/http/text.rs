//! Texts as the API accepts them: what the document says is what is enforced.

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

/// One line with something on it.
pub(crate) static LINE: LazyLock<Regex> = pattern!(r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$");
/// Several lines.
pub(crate) static LINES: LazyLock<Regex> = pattern!(r"^[^\x00-\x08\x0b-\x1f\x7f]*$");
