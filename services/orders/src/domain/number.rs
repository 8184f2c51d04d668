//! What people call an order on its day: the letters of its shop and a number that begins anew each morning (`A-042`).
//! The day is the shop's: it begins at midnight in the shop's time zone. Orders without a shop bear `D` and count by UTC.

use jiff::civil::Date;
use kernel::time::Timestamp;

/// The letter of orders without a shop.
pub const WITHOUT_SHOP: &str = "D";

/// The day of a moment in an IANA time zone. A zone that this machine does not know counts as UTC.
pub fn day(now: Timestamp, time_zone: &str) -> Date {
    let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    now.to_zoned(zone).date()
}

/// The text of the nth order of a day. Three digits at least, more when a day is that good.
pub fn number(prefix: &str, nth: i32) -> String {
    format!("{prefix}-{nth:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grow_when_they_must() {
        assert_eq!(number("A", 42), "A-042");
        assert_eq!(number("BK", 1_234), "BK-1234");
    }

    #[test]
    fn a_day_begins_at_the_shops_midnight() {
        let evening: Timestamp = "2026-11-20T22:30:00Z".parse().unwrap();
        assert_eq!(day(evening, "Europe/Helsinki").to_string(), "2026-11-21");
        assert_eq!(day(evening, "UTC").to_string(), "2026-11-20");
        assert_eq!(day(evening, "Nowhere/At_All").to_string(), "2026-11-20");
    }
}
