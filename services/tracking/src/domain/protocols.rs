//! What tracker apps send, unchanged, as reports in normal form.
//!
//! | app | over | decoder |
//! |---|---|---|
//! | OwnTracks | `POST` JSON, speeds in km/h, battery in percent | [`owntracks`] |
//! | Traccar Client 9 and newer | `POST` JSON, speeds in m/s, battery 0 to 1 | [`traccar`] |
//! | Traccar Client before 9, OsmAnd, scripts | query or form, speeds in knots, battery in percent | [`osmand`] |
//! | GPSLogger | query, speeds in m/s, battery in percent | [`gpslogger`] |
//! | Overland | `POST` GeoJSON, speeds in m/s, battery 0 to 1 | [`overland`] |
//!
//! Unknown fields are ignored, numbers may come as texts, and one unreadable point (`None`) does not take the others of its
//! message with it. Sources: the projects' own documents, as read in `reference/peers.md` section 4.

mod gpslogger;
mod osmand;
mod overland;
mod owntracks;
mod traccar;

use kernel::time::Timestamp;
use serde_json::Value;

use super::fix::Report;

pub use gpslogger::decode as gpslogger;
pub use osmand::{Query, decode as osmand};
pub use overland::decode as overland;
pub use owntracks::decode as owntracks;
pub use traccar::decode as traccar;

/// One decoded point; `None`: it cannot be read.
pub type Decoded = Option<Report>;

/// The message is none of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// An app with which a device reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OwnTracks over HTTP.
    OwnTracks,
    /// Traccar Client, in its new and its old form.
    Traccar,
    /// GPSLogger for Android.
    GpsLogger,
    /// Overland.
    Overland,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OwnTracks, Self::Traccar, Self::GpsLogger, Self::Overland];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnTracks => "owntracks",
            Self::Traccar => "traccar",
            Self::GpsLogger => "gpslogger",
            Self::Overland => "overland",
        }
    }

    /// The protocol of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// A measure, in the precision in which it is kept.
fn measure(value: &Value) -> Option<f32> {
    number(value).map(narrow)
}

#[expect(clippy::cast_possible_truncation, reason = "measures need no more than the precision of f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Percent as a share.
fn percent(value: &Value) -> Option<f32> {
    measure(value).map(|percent| percent / 100.0)
}

/// Seconds since 1970, with a fraction; milliseconds where seconds would lie beyond the year 5000.
fn epoch(value: f64) -> Option<Timestamp> {
    let seconds = if value.abs() >= 1e11 { value / 1_000.0 } else { value };
    let nanoseconds = (seconds * 1e3).round() * 1e6;
    #[expect(clippy::cast_possible_truncation, reason = "casts from float to integer saturate, and what is too large is no time")]
    let nanoseconds = nanoseconds as i128;
    Timestamp::from_nanosecond(nanoseconds).ok()
}

/// A time in any of the forms that the apps use: RFC 3339, `yyyy-MM-dd HH:mm:ss` in UTC, seconds or milliseconds since 1970.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return epoch(number);
    }
    // An offset without a colon (+0200) is understood by the same parser; a time without any is UTC.
    text.parse().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// A time in a JSON document.
fn json_time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => epoch(number.as_f64()?),
        Value::String(text) => time(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_that_the_apps_use() {
        let same = "2026-11-20T12:00:00Z".parse().ok();
        for text in [
            "2026-11-20T12:00:00Z",
            "2026-11-20T14:00:00+02:00",
            "2026-11-20T14:00:00.000+0200",
            "2026-11-20 12:00:00",
            "2026-11-20T12:00:00",
            "1795176000",
            "1795176000000",
            "1795176000.0",
        ] {
            assert_eq!(time(text), same, "{text}");
        }
        for bad in ["", "yesterday", "NaN", "1e300", "2026-13-01T00:00:00Z"] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_protocol_has_a_word() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::parse(protocol.as_str()), Some(protocol));
        }
        assert_eq!(Protocol::parse("mqtt"), None);
    }
}
