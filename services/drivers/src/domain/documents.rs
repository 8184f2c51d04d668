//! Whether a driver's documents are in order. Days are those of UTC: an organisation may drive in several time zones.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use kernel::time::Timestamp;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Allows to drive.
    DrivingLicence,
    /// Says who somebody is.
    Identity,
    /// Of the vehicle or of the driver.
    Insurance,
    /// Allows to handle food.
    Health,
    /// Anything else.
    Other,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::DrivingLicence, Self::Identity, Self::Insurance, Self::Health, Self::Other];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DrivingLicence => "driving_licence",
            Self::Identity => "identity",
            Self::Insurance => "insurance",
            Self::Health => "health",
            Self::Other => "other",
        }
    }

    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The day of a moment.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Whether something that is good until the end of a day has run out.
pub fn expired(last: Option<Date>, today: Date) -> bool {
    last.is_some_and(|last| last < today)
}

/// Refuses a day that no document bears.
pub fn check_day(day: Option<Date>) -> Result<()> {
    match day {
        Some(day) if !(date(1900, 1, 1)..date(2200, 1, 1)).contains(&day) => {
            Err(Error::invalid_field("/expires_on", "between the years 1900 and 2199"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_good_on_its_last_day() {
        let last = Some(date(2026, 11, 30));
        assert!(!expired(last, date(2026, 11, 30)) && expired(last, date(2026, 12, 1)));
        assert!(!expired(None, date(2026, 12, 1)), "good for ever");
        assert_eq!(day("2026-11-30T23:59:59Z".parse().unwrap()), date(2026, 11, 30));
    }

    #[test]
    fn a_day_lies_within_two_centuries() {
        assert!(check_day(None).is_ok() && check_day(Some(date(2026, 1, 1))).is_ok());
        assert!(check_day(Some(date(1899, 12, 31))).is_err() && check_day(Some(date(2200, 1, 1))).is_err());
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in DocumentKind::ALL {
            assert_eq!(DocumentKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
