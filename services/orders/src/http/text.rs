//! Texts as the API accepts them. The patterns are what the document says and what is enforced: the two cannot differ.

use std::sync::LazyLock;

use garde::rules::pattern::regex::Regex;
use kernel::time::Timestamp;
use platform::vault::Private;

use crate::commands::update::Clearable;

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
/// Phone numbers in E.164.
pub static PHONE: LazyLock<Regex> = pattern!(r"^\+[1-9][0-9]{6,14}$");
/// A phone number, or its last four digits.
pub static PHONE_OR_END: LazyLock<Regex> = pattern!(r"^(\+[1-9][0-9]{6,14}|[0-9]{4})$");
/// Names of tags, skills and keys of metadata.
pub static WORD: LazyLock<Regex> = pattern!(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,49}$");
/// PINs of stops.
pub static PIN: LazyLock<Regex> = pattern!(r"^[0-9]{4,6}$");
/// ISO 3166-1 alpha-2.
pub static COUNTRY: LazyLock<Regex> = pattern!(r"^[A-Z]{2}$");
/// Statuses of a filter, separated by commas.
pub static WORDS: LazyLock<Regex> = pattern!(r"^[a-z_]{1,30}(,[a-z_]{1,30}){0,11}$");
/// A key and a value of the metadata.
pub static PAIR: LazyLock<Regex> = pattern!(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,49}=[^\x00-\x1f\x7f]{0,200}$");

/// Rules of RFC 5545, without their name.
pub static RULE: LazyLock<Regex> = pattern!(r"^[A-Za-z0-9=;,+-]{10,500}$");
/// IANA time zones.
pub static ZONE: LazyLock<Regex> = pattern!(r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$");
/// Wall-clock times, without an offset.
pub static LOCAL: LazyLock<Regex> = pattern!(
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
);

/// Personal data as the vault takes it.
pub fn private(text: &str) -> Private {
    Private::from(text.trim())
}

/// Moments that a calendar of deliveries can hold: 2000 to 2100.
#[expect(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "the signature that garde calls")]
pub fn calendar(at: &Option<Timestamp>, (): &()) -> garde::Result {
    const FROM: i64 = 946_684_800;
    const UNTIL: i64 = 4_102_444_800;
    match at {
        Some(at) if !(FROM..UNTIL).contains(&at.as_second()) => {
            Err(garde::Error::new("must lie between the years 2000 and 2100"))
        }
        _ => Ok(()),
    }
}

/// A field that may be absent (it stays) or null (it is cleared).
pub fn clearable<'de, D, T>(deserializer: D) -> Result<Clearable<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    <Option<T> as serde::Deserialize>::deserialize(deserializer).map(Some)
}
