//! What makes a shop, beyond the form of its fields.

use jiff::tz::TimeZone;
use kernel::time::Timestamp;
use platform::{Error, Result};

use super::country;
use crate::entities::{Shop, ShopDetails};

/// For names without a Latin letter.
const NO_LETTER: &str = "S";

/// The prefix of order numbers that a shop of this name gets: its first Latin letter.
pub fn prefix_of(name: &str) -> String {
    name.chars()
        .find(char::is_ascii_alphabetic)
        .map_or_else(|| NO_LETTER.to_owned(), |letter| letter.to_ascii_uppercase().to_string())
}

/// Refuses a country or a time zone that there is not.
pub fn check(details: &ShopDetails) -> Result<()> {
    if !country::is_assigned(&details.country) {
        return Err(Error::invalid_field("/country", "no such country in ISO 3166-1 (two capital letters)"));
    }
    if TimeZone::get(&details.time_zone).is_err() {
        return Err(Error::invalid_field("/time_zone", "no such time zone in the IANA database"));
    }
    Ok(())
}

/// Whether a shop is open, and when it opens next if it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Whether it is open.
    pub open: bool,
    /// When it opens next; `None` while it is open, and when it does not open within a year.
    pub opens_at: Option<Timestamp>,
}

/// What the shop's hours say about this moment. A shop without hours is always open.
pub fn now(shop: &Shop, at: Timestamp) -> Now {
    match next_open(shop, at) {
        Some(opens) if opens == at => Now { open: true, opens_at: None },
        other => Now { open: false, opens_at: other },
    }
}

/// This moment if the shop is open, else its next opening.
pub fn next_open(shop: &Shop, at: Timestamp) -> Option<Timestamp> {
    let Some(hours) = &shop.details.opening_hours else { return Some(at) };
    // The zone was checked when it was written; a zone that the database of this machine no longer knows is UTC.
    let zone = TimeZone::get(&shop.details.time_zone).unwrap_or(TimeZone::UTC);
    hours.next_open(&zone, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_the_first_latin_letter_of_the_name() {
        assert_eq!(prefix_of("ada's bakery"), "A");
        assert_eq!(prefix_of("1. Blumen"), "B");
        assert_eq!(prefix_of("面包店"), "S");
    }
}
