//! What a shift may look like: at most 16 hours, breaks inside and one after the other, not further away than a year.

use kernel::time::{SignedDuration, Timestamp};
use platform::{Error, Result};

use crate::entities::ShiftDetails;

/// The longest shift.
const LONGEST: SignedDuration = SignedDuration::from_hours(16);
/// How far from now a shift is planned or noted.
const REACH: SignedDuration = SignedDuration::from_hours(400 * 24);
/// The most breaks of a shift.
pub const MAX_BREAKS: usize = 10;
/// How far ahead events tell of shifts.
pub const TOLD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Refuses what is no shift; the breaks come back in order.
pub fn check(now: Timestamp, mut shift: ShiftDetails) -> Result<ShiftDetails> {
    if shift.until <= shift.from {
        return Err(Error::invalid_field("/until", "a shift ends after it begins"));
    }
    if shift.until.duration_since(shift.from) > LONGEST {
        return Err(Error::invalid_field("/until", "a shift is at most 16 hours long"));
    }
    if shift.from.duration_since(now).abs() > REACH {
        return Err(Error::invalid_field("/from", "at most 400 days from now"));
    }
    shift.breaks.sort_unstable();
    for (index, (from, until)) in shift.breaks.iter().enumerate() {
        let refused = |detail: &str| Err(Error::invalid_field("/breaks", detail));
        if until <= from {
            return refused("a break ends after it begins");
        }
        if *from < shift.from || *until > shift.until {
            return refused("a break lies inside its shift");
        }
        if shift.breaks.get(index + 1).is_some_and(|(next, _)| next < until) {
            return refused("breaks do not overlap");
        }
    }
    Ok(shift)
}

#[cfg(test)]
mod tests {
    use kernel::ids::{DriverId, Uuid};

    use super::*;

    /// Minutes after a moment.
    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn checked(from: i64, until: i64, breaks: &[(i64, i64)]) -> Result<ShiftDetails> {
        let shift = ShiftDetails {
            driver_id: DriverId::new(Uuid::nil()),
            from: at(from),
            until: at(until),
            breaks: breaks.iter().map(|(from, until)| (at(*from), at(*until))).collect(),
        };
        check(at(0), shift)
    }

    fn refused(from: i64, until: i64, breaks: &[(i64, i64)]) -> String {
        checked(from, until, breaks).unwrap_err().fields()[0].pointer.clone()
    }

    #[test]
    fn a_shift_is_longer_than_nothing_and_no_longer_than_sixteen_hours() {
        assert!(checked(0, 16 * 60, &[]).is_ok());
        assert_eq!(refused(0, 16 * 60 + 1, &[]), "/until");
        assert_eq!(refused(0, 0, &[]), "/until");
        assert_eq!(refused(10, 5, &[]), "/until");
        assert_eq!(refused(401 * 24 * 60, 401 * 24 * 60 + 10, &[]), "/from");
        assert_eq!(refused(-401 * 24 * 60, -401 * 24 * 60 + 10, &[]), "/from");
    }

    #[test]
    fn breaks_lie_inside_and_one_after_the_other() {
        let shift = checked(0, 480, &[(300, 330), (60, 75), (75, 80), (450, 480)]).unwrap();
        assert_eq!(shift.breaks[0], (at(60), at(75)), "in order");
        assert_eq!(refused(0, 480, &[(60, 90), (80, 100)]), "/breaks");
        assert_eq!(refused(0, 480, &[(-1, 10)]), "/breaks");
        assert_eq!(refused(0, 480, &[(470, 481)]), "/breaks");
        assert_eq!(refused(0, 480, &[(60, 60)]), "/breaks");
    }
}
