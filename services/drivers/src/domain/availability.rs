//! What a driver says now: off duty, available, busy, on a break.
//!
//! Every change is allowed, in every direction, with these exceptions:
//!
//! | said | driver | decision |
//! |---|---|---|
//! | anything, with an older device time than the newest that was heard | any | nothing changes: a tap that was made offline and arrives late |
//! | what holds already | any | nothing changes |
//! | `off_duty` | any | taken |
//! | anything else | does not work here | refused, `driver_inactive` |
//! | anything else | a required document has run out | refused, `document_expired` |
//! | anything else | works here, documents in order | taken |
//!
//! The device's clock counts, within limits: at most 72 hours back (a phone without a network) and at most a minute ahead. What
//! is ahead counts as now: else nobody could say anything until that moment has come.

use contracts::drivers::Availability;
use kernel::time::{SignedDuration, Timestamp};
use platform::{Error, Kind, Result};

/// How far back a device may have been offline.
const BACK: SignedDuration = SignedDuration::from_hours(72);
/// How far ahead a device's clock may be.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// What is known of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// What holds.
    pub availability: Availability,
    /// The newest device time that was heard.
    pub tapped_at: Timestamp,
    /// Whether the driver works here.
    pub active: bool,
    /// Whether a required document has run out.
    pub expired: bool,
}

/// What follows from what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It came after a newer one: only the history knows.
    Late,
    /// It holds already.
    Same,
    /// It holds from now on.
    Taken,
}

/// The device's time of a tap, if it can be believed.
pub fn time(now: Timestamp, at: Option<Timestamp>) -> Result<Timestamp> {
    let Some(at) = at else { return Ok(now) };
    let age = now.duration_since(at);
    if age > BACK || age < -AHEAD {
        return Err(Error::invalid_field("/at", "at most 72 hours in the past, at most a minute ahead"));
    }
    // PostgreSQL keeps microseconds: what is compared later is what is kept.
    Timestamp::from_microsecond(at.min(now).as_microsecond()).map_err(Error::internal)
}

/// Decides what was said at that device time.
pub fn decide(state: State, to: Availability, at: Timestamp) -> Result<Decision> {
    if at < state.tapped_at {
        return Ok(Decision::Late);
    }
    if to == state.availability {
        return Ok(Decision::Same);
    }
    if to != Availability::OffDuty {
        let refused = |code: &'static str, message: &'static str| {
            Err(Error::new(Kind::Conflict, code, message).with_extension(
                "current",
                serde_json::json!({ "availability": state.availability, "active": state.active }),
            ))
        };
        if !state.active {
            return refused("driver_inactive", "This driver does not work here.");
        }
        if state.expired {
            return refused("document_expired", "A document that this driver needs has run out.");
        }
    }
    Ok(Decision::Taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn state(availability: Availability, active: bool, expired: bool) -> State {
        State { availability, tapped_at: at(0), active, expired }
    }

    #[test]
    fn every_pair_is_decided_as_the_table_says() {
        for from in Availability::ALL {
            for to in Availability::ALL {
                for (active, expired) in [(true, false), (true, true), (false, false), (false, true)] {
                    let state = state(from, active, expired);
                    let decided = decide(state, to, at(1)).map_err(|error| error.code().to_owned());
                    let expected = match (to, active, expired) {
                        (to, ..) if to == from => Ok(Decision::Same),
                        (Availability::OffDuty, ..) | (_, true, false) => Ok(Decision::Taken),
                        (_, false, _) => Err("driver_inactive".to_owned()),
                        (_, true, true) => Err("document_expired".to_owned()),
                    };
                    assert_eq!(decided, expected, "{from:?} -> {to:?}, active {active}, expired {expired}");
                    assert_eq!(decide(state, to, at(-1)).unwrap(), Decision::Late, "{from:?} -> {to:?}");
                }
            }
        }
    }

    #[test]
    fn a_tap_of_the_same_moment_counts() {
        let state = state(Availability::Available, true, false);
        assert_eq!(decide(state, Availability::Busy, at(0)).unwrap(), Decision::Taken);
    }

    #[test]
    fn a_refusal_says_what_holds() {
        let error =
            decide(state(Availability::OffDuty, false, false), Availability::Busy, at(1)).unwrap_err();
        assert_eq!((error.kind().status(), error.code()), (409, "driver_inactive"));
        assert_eq!(error.extensions()["current"]["availability"], "off_duty");
    }

    #[test]
    fn the_devices_clock_is_believed_within_limits() {
        let now = at(0);
        let hours = 3600;
        assert_eq!(time(now, None).unwrap(), now);
        for good in [0, -60, -72 * hours] {
            assert_eq!(time(now, Some(at(good))).unwrap(), at(good), "{good}");
        }
        assert_eq!(time(now, Some(at(60))).unwrap(), now, "a clock that is ahead");
        for bad in [61, -72 * hours - 1, 10_000_000] {
            assert_eq!(time(now, Some(at(bad))).unwrap_err().fields()[0].pointer, "/at", "{bad}");
        }
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert!(time(now, Some(end)).is_err());
        }
    }
}
