//! How pages write times, words and money.

use jiff::tz::TimeZone;
use kernel::time::Timestamp;
use serde_json::Value;

/// Text of an answer; nothing where there is none.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A word of the API for people: `enroute_to_pickup` is "enroute to pickup".
pub(super) fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// A time zone by its name; UTC where it is not known.
pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Hours and minutes where people are, with the day if it is another one than now.
pub(super) fn clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = if at.date() == now.date() { "%H:%M" } else { "%-d %b %H:%M" };
    at.strftime(form).to_string()
}

/// A time of an answer.
pub(super) fn clock_of(value: &Value, now: Timestamp, zone: &TimeZone) -> String {
    let at = value.as_str().and_then(|text| text.parse().ok());
    at.map(|at| clock(at, now, zone)).unwrap_or_default()
}

/// How long ago.
pub(super) fn ago(seconds: i64) -> String {
    match seconds {
        ..5 => "just now".to_owned(),
        5..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3_600),
    }
}

/// Money as it is written with a point: `12.50 EUR`. Currencies without minor units are rare at a door.
pub(super) fn money(value: &Value) -> String {
    let Some(amount) = value["amount_minor"].as_i64() else { return String::new() };
    format!("{}.{:02} {}", amount / 100, amount % 100, text(&value["currency"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_place() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let helsinki = zone("Europe/Helsinki");
        assert_eq!(clock(at("2026-11-20T12:05:00Z"), at("2026-11-20T20:00:00Z"), &helsinki), "14:05");
        assert_eq!(clock(at("2026-11-20T12:05:00Z"), at("2026-11-20T23:00:00Z"), &helsinki), "20 Nov 14:05");
        assert_eq!(zone("Nowhere/Land"), TimeZone::UTC);
    }

    #[test]
    fn ages_are_rough() {
        assert_eq!(
            [4, 5, 119, 120, 7_199, 7_200].map(ago),
            ["just now", "5 s ago", "119 s ago", "2 min ago", "119 min ago", "2 h ago"]
        );
        assert_eq!(money(&serde_json::json!({ "amount_minor": 1_205, "currency": "EUR" })), "12.05 EUR");
    }
}
