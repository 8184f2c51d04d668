//! Texts as the API accepts them. The patterns are what the document says and what is enforced: the two cannot differ.

use std::sync::LazyLock;

use garde::rules::pattern::regex::Regex;
use platform::vault::Private;

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
/// E-mail addresses that are accepted: ASCII, with a domain of two to eight labels.
pub static EMAIL: LazyLock<Regex> =
    pattern!(r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$");
/// Phone numbers in E.164.
pub static PHONE: LazyLock<Regex> = pattern!(r"^\+[1-9][0-9]{6,14}$");
/// PINs.
pub static PIN: LazyLock<Regex> = pattern!(r"^[0-9]{6,12}$");

/// Codes of an authenticator app and recovery codes, as people type them.
pub static CODE: LazyLock<Regex> = pattern!(r"^[0-9A-Za-z -]{6,20}$");

/// A name as the vault takes it.
pub fn private(text: &str) -> Private {
    Private::from(text.trim())
}
