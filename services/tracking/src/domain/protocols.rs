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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
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
    if !value.is_finite() {
        return None;
    }
    let seconds = if value.abs() >= 1e11 { value / 1_000.0 } else { value };
    let nanoseconds = (seconds * 1e3).round() * 1e6;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "casts from float to integer saturate, and what is too large is no time"
    )]
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
    use proptest::prelude::*;

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

    proptest! {
        /// Whatever comes over the wire is read or not; it never ends a request in another way.
        #[test]
        fn no_message_is_too_strange(body in ".{0,200}", lat in any::<f64>(), text in "[ -~]{0,20}") {
            for message in [
                body.clone(),
                format!(r#"{{"_type":"location","lat":{lat},"lon":"{lat}","tst":{lat}}}"#),
                format!(r#"{{"device_id":"x","location":{{"coords":{{"latitude":{lat}}},"timestamp":"1"}}}}"#),
                format!(r#"{{"locations":[{{"geometry":{{"coordinates":[{lat}]}}}},1,null],"current":{lat}}}"#),
            ] {
                let _read = (owntracks(message.as_bytes()), traccar(message.as_bytes()), overland(message.as_bytes()));
            }
            let query = Query::read(&format!("id={text}&lat={lat}&lon={text}&timestamp={text}&ts={lat}&{body}"));
            let _read = (gpslogger(&query), osmand(&query).1.len());
        }

        #[test]
        fn a_position_comes_through_every_protocol_as_it_was(lat in -90.0_f64..90.0, lon in -180.0_f64..180.0) {
            let messages = [
                owntracks(format!(r#"{{"_type":"location","lat":{lat},"lon":{lon},"tst":1795176000}}"#).as_bytes()),
                overland(
                    format!(
                        r#"{{"locations":[{{"geometry":{{"coordinates":[{lon},{lat}]}},"properties":{{"timestamp":1795176000}}}}]}}"#
                    )
                    .as_bytes(),
                ),
                Ok(gpslogger(&Query::read(&format!("lat={lat}&lon={lon}&ts=1795176000")))),
                Ok(osmand(&Query::read(&format!("id=x&lat={lat}&lon={lon}&timestamp=1795176000"))).1),
            ];
            for message in messages {
                let report = message.unwrap()[0].unwrap();
                // Reading JSON may be wrong in the last bit, which is a nanometre.
                prop_assert!((report.lat - lat).abs() < 1e-12 && (report.lon - lon).abs() < 1e-12);
                prop_assert_eq!(report.at.unwrap().as_second(), 1_795_176_000);
            }
        }
    }
}
