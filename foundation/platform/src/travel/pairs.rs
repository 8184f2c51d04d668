//! What a routing server has answered lately, pair by pair, in the memory of the process.
//!
//! Dispatch asks for the same shops and doors again every few seconds, and only one courier has moved. A pair is kept for
//! [`KEPT`] by business time; at most [`MOST`] pairs are. Places are the same when their degrees agree to five decimals,
//! which is about one metre.

use kernel::geo::Position;
use kernel::time::{SharedClock, SignedDuration, Timestamp};
use kernel::travel::{Leg, Profile};

/// How long a pair is kept.
const KEPT: SignedDuration = SignedDuration::from_mins(15);
/// Pairs of one server.
const MOST: u64 = 50_000;
/// Seconds of an hour and hours of a week.
const HOUR_S: i64 = 3_600;
const WEEK_H: i64 = 168;

/// A place, to about a metre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    lat: i32,
    lon: i32,
}

impl Place {
    pub(super) fn of(position: Position) -> Self {
        Self { lat: hundred_thousandths(position.lat()), lon: hundred_thousandths(position.lon()) }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "180 degrees are 18,000,000 hundred-thousandths, which fit"
)]
fn hundred_thousandths(degrees: f64) -> i32 {
    (degrees * 1e5).round() as i32
}

/// What was answered about a pair: the way, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answered(pub Option<Leg>);

/// For whom a pair holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Journey {
    profile: Profile,
    /// Hour of the week (UTC), for a server that looks at the time; else 0.
    hour: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    journey: Journey,
    from: Place,
    to: Place,
}

/// The pairs of one server. Cloning shares them.
#[derive(Clone)]
pub(super) struct Pairs {
    clock: SharedClock,
    by_hour: bool,
    kept: moka::sync::Cache<Key, (Timestamp, Answered)>,
}

impl std::fmt::Debug for Pairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pairs").field("kept", &self.kept.entry_count()).finish_non_exhaustive()
    }
}

impl Pairs {
    /// For a server whose answers depend on the hour, or do not.
    pub(super) fn new(clock: SharedClock, by_hour: bool) -> Self {
        Self { clock, by_hour, kept: moka::sync::Cache::new(MOST) }
    }

    /// Who travels when.
    pub(super) fn journey(&self, profile: Profile, leaving: Timestamp) -> Journey {
        let hour = leaving.as_second().div_euclid(HOUR_S).rem_euclid(WEEK_H);
        Journey { profile, hour: if self.by_hour { hour } else { 0 } }
    }

    /// What is known of a pair.
    pub(super) fn get(&self, journey: Journey, from: Place, to: Place) -> Option<Answered> {
        let (end, answered) = self.kept.get(&Key { journey, from, to })?;
        (self.clock.now() < end).then_some(answered)
    }

    /// Keeps what was answered.
    pub(super) fn put(&self, journey: Journey, from: Place, to: Place, answered: Answered) {
        let end = self.clock.now().checked_add(KEPT).unwrap_or(Timestamp::MAX);
        self.kept.insert(Key { journey, from, to }, (end, answered));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::time::{Clock, ManualClock};

    use super::*;

    fn place(lat: f64, lon: f64) -> Place {
        Place::of(Position::new(lat, lon).unwrap())
    }

    const LEG: Answered = Answered(Some(Leg { duration_s: 60, distance_m: 500 }));

    #[test]
    fn places_within_a_metre_are_one() {
        assert_eq!(place(60.170_001, 24.940_001), place(60.169_999, 24.939_999));
        assert_ne!(place(60.170_01, 24.94), place(60.17, 24.94));
        assert_ne!(place(-90.0, -180.0), place(90.0, 180.0));
    }

    #[test]
    fn a_pair_is_kept_for_a_quarter_of_an_hour_in_its_direction() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let pairs = Pairs::new(Arc::new(clock.clone()), false);
        let journey = pairs.journey(Profile::Car, clock.now());
        let (a, b) = (place(60.17, 24.94), place(60.18, 24.95));
        pairs.put(journey, a, b, LEG);
        clock.advance(KEPT - SignedDuration::from_millis(1));
        assert_eq!(pairs.get(journey, a, b), Some(LEG));
        assert_eq!(pairs.get(journey, b, a), None, "streets go one way");
        assert_eq!(pairs.get(pairs.journey(Profile::Foot, clock.now()), a, b), None);
        pairs.put(journey, b, a, Answered(None));
        assert_eq!(pairs.get(journey, b, a), Some(Answered(None)), "that there is no way is known");
        clock.advance(SignedDuration::from_millis(1));
        assert_eq!(pairs.get(journey, a, b), None);
    }

    #[test]
    fn the_hour_of_the_week_matters_to_whoever_looks_at_the_time() {
        let clock: SharedClock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (monday, later) = (at("2026-11-23T08:10:00Z"), at("2026-11-23T08:50:00Z"));
        let (evening, next) = (at("2026-11-23T17:10:00Z"), at("2026-11-30T08:10:00Z"));
        let by_hour = Pairs::new(Arc::clone(&clock), true);
        let journey = |leaving| by_hour.journey(Profile::Car, leaving);
        assert_eq!(journey(monday), journey(later));
        assert_eq!(journey(monday), journey(next));
        assert_ne!(journey(monday), journey(evening));
        let always = Pairs::new(clock, false);
        assert_eq!(always.journey(Profile::Car, monday), always.journey(Profile::Car, evening));
    }

    #[test]
    fn memory_is_bounded() {
        let clock: SharedClock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let pairs = Pairs::new(Arc::clone(&clock), false);
        let journey = pairs.journey(Profile::Car, clock.now());
        let to = place(0.0, 0.0);
        for n in 0..60_000 {
            pairs.put(journey, Place { lat: n, lon: 0 }, to, LEG);
        }
        pairs.kept.run_pending_tasks();
        assert!(pairs.kept.entry_count() <= MOST, "{}", pairs.kept.entry_count());
    }
}
