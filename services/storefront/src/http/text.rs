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

/// Characters that no one-line text may contain, in the notation of both JSON Schema and Rust.
pub static LINE: LazyLock<Regex> = pattern!(r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$");
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
