//! When a delivery that is ordered now arrives: a window, never a lone point.
//!
//! ```text
//! begin     the latest of now, `ready_at` and the shop's opening
//! duration  preparation + picking up + the way + handing over
//! expected  begin + duration
//! earliest  expected - 20 % of the duration, at least 5 minutes; never in the past
//! latest    expected + 40 % of the duration, at least 5 minutes
//! ```
//!
//! Deliveries are late more often and by more than they are early, hence the lopsided window; it is said to hold in four of
//! five cases.

use kernel::time::{SignedDuration, Timestamp};
use platform::{Error, Result};

/// The probability that the window holds.
pub const PROBABILITY: f64 = 0.8;
/// From the door of the house to "delivered".
const HAND_OVER: SignedDuration = SignedDuration::from_mins(2);
/// The narrowest half of a window.
const LEAST: SignedDuration = SignedDuration::from_mins(5);

/// What takes time after the begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Until the order is ready.
    pub preparation: SignedDuration,
    /// Picking it up.
    pub service: SignedDuration,
    /// The way.
    pub travel: SignedDuration,
}

/// A window of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Not before.
    pub earliest: Timestamp,
    /// Most likely.
    pub expected: Timestamp,
    /// Not after.
    pub latest: Timestamp,
}

/// The window of a delivery whose work begins then.
pub fn window(now: Timestamp, begin: Timestamp, work: Work) -> Result<Window> {
    let duration = work.preparation + work.service + work.travel + HAND_OVER;
    let expected = begin.checked_add(duration).map_err(Error::internal)?;
    let before = (duration / 5).max(LEAST);
    let after = (duration / 5 * 2).max(LEAST);
    let earliest = expected.checked_sub(before).map_err(Error::internal)?.max(now);
    let latest = expected.checked_add(after).map_err(Error::internal)?;
    Ok(Window { earliest, expected: expected.max(now), latest })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(preparation: i64, service: i64, travel: i64) -> Work {
        let minutes = SignedDuration::from_mins;
        Work { preparation: minutes(preparation), service: minutes(service), travel: minutes(travel) }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_wider_behind_than_before() {
        let now = at("2026-11-27T12:00:00Z");
        let window = window(now, now, minutes(20, 3, 25)).unwrap();
        assert_eq!(window.expected, at("2026-11-27T12:50:00Z"));
        assert_eq!(window.earliest, at("2026-11-27T12:40:00Z"));
        assert_eq!(window.latest, at("2026-11-27T13:10:00Z"));
    }

    #[test]
    fn a_short_way_has_five_minutes_on_either_side_and_never_begins_in_the_past() {
        let now = at("2026-11-27T12:00:00Z");
        let short = window(now, now, minutes(0, 0, 1)).unwrap();
        assert_eq!((short.earliest, short.latest), (now, at("2026-11-27T12:08:00Z")));
        let later = window(now, at("2026-11-27T18:00:00Z"), minutes(0, 0, 8)).unwrap();
        assert_eq!(later.earliest, at("2026-11-27T18:05:00Z"));
        assert_eq!(later.latest, at("2026-11-27T18:15:00Z"));
    }

    proptest! {
        /// Whatever the work: the window is in order, not in the past, and wide enough on either side.
        #[test]
        fn a_window_is_in_order(ahead in 0_i64..50_000, preparation in 0_i64..1_440, service in 0_i64..240, way in 0_i64..1_000) {
            let now = at("2026-11-27T12:00:00Z");
            let begin = now + SignedDuration::from_mins(ahead);
            let window = window(now, begin, minutes(preparation, service, way)).unwrap();
            prop_assert!(now <= window.earliest && window.earliest <= window.expected);
            prop_assert!(window.expected.duration_since(begin) >= HAND_OVER);
            prop_assert!(window.latest.duration_since(window.expected) >= LEAST);
            prop_assert!(window.earliest == now || window.expected.duration_since(window.earliest) >= LEAST);
        }
    }
}
