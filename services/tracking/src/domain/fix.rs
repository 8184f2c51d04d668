//! One position: from what a device says to what is kept.
//!
//! | what comes | what becomes of it |
//! |---|---|
//! | no place on the earth, or not readable | rejected: `invalid` |
//! | exactly 0, 0: a receiver without a fix | rejected: `no_fix` |
//! | an accuracy of more than 500 m | rejected: `inaccurate` |
//! | more than 72 hours old | rejected: `too_old` |
//! | faster than 70 m/s from the accepted position before it in time, errors of both allowed for | rejected: `too_fast` |
//! | a device time more than 2 minutes ahead | kept with our time, marked `clock_ahead` |
//! | the same device, time and number again | `duplicate` |
//! | anything else | accepted |
//!
//! Units of the normal form: degrees, metres, metres per second, degrees clockwise from north, battery 0 to 1, UTC. Optional
//! measures that cannot be true (negative speeds and headings mean "unknown" in most protocols) are left out, and the
//! position is kept.

use contracts::tracking::DriverLocation;
use kernel::geo::Position;
use kernel::time::{SignedDuration, Timestamp};

/// The largest error with which a position says anything.
pub const MAX_ACCURACY_M: f32 = 500.0;
/// Faster than any vehicle that delivers: 252 km/h.
pub const MAX_SPEED_M_S: f64 = 70.0;
/// How far a device's clock may be ahead.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(2);
/// How late a position may come.
pub const LATE: SignedDuration = SignedDuration::from_hours(72);
/// The number of a position whose device does not number.
pub const NO_SEQUENCE: i64 = -1;

/// What a device says, in units of the normal form, not yet believed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// By the device's clock; `None`: now.
    pub at: Option<Timestamp>,
    /// Radius of the error, metres.
    pub accuracy_m: Option<f32>,
    /// Metres per second.
    pub speed_m_s: Option<f32>,
    /// Degrees clockwise from north.
    pub heading_deg: Option<f32>,
    /// Metres above the ellipsoid or the sea, as the device means it.
    pub altitude_m: Option<f32>,
    /// 0 to 1.
    pub battery: Option<f32>,
    /// The device's number of it.
    pub sequence: Option<i64>,
}

/// Why a position is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// Not readable, or no place on the earth.
    Invalid,
    /// A receiver without a fix.
    NoFix,
    /// Says nothing.
    Inaccurate,
    /// Came too late.
    TooOld,
    /// Nobody moves so fast.
    TooFast,
}

impl Rejection {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NoFix => "no_fix",
            Self::Inaccurate => "inaccurate",
            Self::TooOld => "too_old",
            Self::TooFast => "too_fast",
        }
    }
}

/// The time that a position counts as: the device's, or ours where its clock is ahead.
pub fn counts_at(seen: &DriverLocation) -> Timestamp {
    let ahead = seen.device_at.duration_since(seen.server_at) > AHEAD;
    if ahead { seen.server_at } else { seen.device_at }
}

/// A position in normal form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Where.
    pub position: Position,
    /// What the device's clock said, to the microsecond.
    pub device_at: Timestamp,
    /// When: the device's time, or ours where its clock is ahead.
    pub at: Timestamp,
    /// When it arrived.
    pub server_at: Timestamp,
    /// Radius of the error, metres.
    pub accuracy_m: Option<f32>,
    /// Metres per second.
    pub speed_m_s: Option<f32>,
    /// Degrees clockwise from north, 0 to 360.
    pub heading_deg: Option<f32>,
    /// Metres.
    pub altitude_m: Option<f32>,
    /// 0 to 1.
    pub battery: Option<f32>,
    /// The device's number, or [`NO_SEQUENCE`].
    pub sequence: i64,
    /// The device's clock was ahead.
    pub clock_ahead: bool,
}

/// The newest accepted position of a driver, as far as the next one is compared with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Last {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub position: Position,
    /// Radius of the error, metres.
    pub accuracy_m: Option<f32>,
}

impl Fix {
    /// The normal form of a report, by itself.
    pub fn read(report: &Report, now: Timestamp) -> Result<Self, Rejection> {
        let position = Position::new(report.lat, report.lon).map_err(|_not_a_place| Rejection::Invalid)?;
        if report.lat == 0.0 && report.lon == 0.0 {
            return Err(Rejection::NoFix);
        }
        let accuracy_m = within(report.accuracy_m, 0.0..=f32::MAX);
        if accuracy_m.is_some_and(|accuracy| accuracy > MAX_ACCURACY_M) {
            return Err(Rejection::Inaccurate);
        }
        let server_at = whole_microseconds(now);
        let device_at = report.at.map_or(server_at, whole_microseconds);
        let age = server_at.duration_since(device_at);
        if age > LATE {
            return Err(Rejection::TooOld);
        }
        let clock_ahead = -age > AHEAD;
        Ok(Self {
            position,
            device_at,
            at: if clock_ahead { server_at } else { device_at },
            server_at,
            accuracy_m,
            speed_m_s: within(report.speed_m_s, 0.0..=1_000.0),
            heading_deg: within(report.heading_deg, 0.0..=360.0),
            altitude_m: within(report.altitude_m, -1_000.0..=20_000.0),
            battery: within(report.battery, 0.0..=1.0),
            sequence: report.sequence.filter(|sequence| *sequence >= 0).unwrap_or(NO_SEQUENCE),
            clock_ahead,
        })
    }

    /// Whether a driver can have come from there to here. Under a second counts as one: receivers report twice in it.
    pub fn is_plausible_after(&self, last: &Last) -> bool {
        let seconds = self.at.duration_since(last.at).as_secs_f64().abs().max(1.0);
        let error = f64::from(self.accuracy_m.unwrap_or(0.0)) + f64::from(last.accuracy_m.unwrap_or(0.0));
        self.position.distance_m(last.position) - error <= MAX_SPEED_M_S * seconds
    }

    /// As the next one is compared with it.
    pub fn as_last(&self) -> Last {
        Last { at: self.at, position: self.position, accuracy_m: self.accuracy_m }
    }
}

fn within(value: Option<f32>, range: std::ops::RangeInclusive<f32>) -> Option<f32> {
    value.filter(|value| value.is_finite() && range.contains(value))
}

/// What PostgreSQL stores: a key that was cut there would not be the key that was sent.
fn whole_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// The normal forms of the positions of one driver in one batch, each by itself.
pub fn read_all(reports: &[Option<Report>], now: Timestamp) -> Vec<Result<Fix, Rejection>> {
    let read = |report: &Option<Report>| {
        report.as_ref().ok_or(Rejection::Invalid).and_then(|report| Fix::read(report, now))
    };
    reports.iter().map(read).collect()
}

/// Rejects what nobody can have driven. Positions are taken in the order of their times, whatever order they came in; each is
/// compared with the one before it in time: in the batch, or in the history as `before` knows it.
pub fn judge(fixes: &mut [Result<Fix, Rejection>], before: impl Fn(&Fix) -> Option<Last>) {
    let mut order: Vec<usize> = (0..fixes.len()).collect();
    order.sort_by_key(|index| fixes.get(*index).and_then(|fix| fix.as_ref().ok()).map(|fix| fix.at));
    let mut in_batch: Option<Last> = None;
    for index in order {
        let Some(outcome) = fixes.get_mut(index) else { continue };
        let Ok(fix) = *outcome else { continue };
        let previous = [in_batch, before(&fix)].into_iter().flatten().max_by_key(|last| last.at);
        if previous.is_some_and(|last| !fix.is_plausible_after(&last)) {
            *outcome = Err(Rejection::TooFast);
        } else {
            in_batch = Some(fix.as_last());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    /// A batch of a driver who was last seen there.
    fn judge(reports: &[Option<Report>], last: Option<Last>, now: Timestamp) -> Vec<Result<Fix, Rejection>> {
        let mut fixes = read_all(reports, now);
        super::judge(&mut fixes, |_| last);
        fixes
    }

    fn report(lat: f64, ago_s: i64) -> Report {
        let at = now().checked_sub(SignedDuration::from_secs(ago_s)).ok();
        Report { lat, lon: 24.9384, at, ..Report::default() }
    }

    #[test]
    fn what_says_nothing_is_rejected_with_its_reason() {
        let read = |report: Report| Fix::read(&report, now()).unwrap_err();
        assert_eq!(read(Report { lat: 91.0, ..report(0.0, 0) }), Rejection::Invalid);
        assert_eq!(read(Report { lat: f64::NAN, ..report(0.0, 0) }), Rejection::Invalid);
        assert_eq!(read(Report { lat: 0.0, lon: 0.0, ..report(0.0, 0) }), Rejection::NoFix);
        assert_eq!(read(Report { accuracy_m: Some(500.5), ..report(60.0, 0) }), Rejection::Inaccurate);
        assert_eq!(read(report(60.0, 72 * 3600 + 1)), Rejection::TooOld);
        assert!(Fix::read(&report(60.0, 72 * 3600), now()).is_ok(), "late, and in time");
    }

    #[test]
    fn a_clock_that_is_ahead_keeps_the_position_and_loses_the_time() {
        let fix = Fix::read(&report(60.0, -121), now()).unwrap();
        assert!(fix.clock_ahead);
        assert_eq!((fix.at, fix.server_at), (now(), now()));
        assert_eq!(fix.device_at.to_string(), "2026-11-20T12:02:01Z");
        let fix = Fix::read(&report(60.0, -120), now()).unwrap();
        assert!(!fix.clock_ahead && fix.at == fix.device_at);
        let without = Fix::read(&Report { at: None, ..report(60.0, 0) }, now()).unwrap();
        assert_eq!(without.device_at, now());
    }

    #[test]
    fn measures_that_cannot_be_true_are_left_out() {
        let odd = Report {
            accuracy_m: Some(-1.0),
            speed_m_s: Some(-1.0),
            heading_deg: Some(-1.0),
            altitude_m: Some(f32::NAN),
            battery: Some(-1.0),
            sequence: Some(-5),
            ..report(60.0, 0)
        };
        let fix = Fix::read(&odd, now()).unwrap();
        assert_eq!((fix.accuracy_m, fix.speed_m_s, fix.heading_deg), (None, None, None));
        assert_eq!((fix.altitude_m, fix.battery, fix.sequence), (None, None, NO_SEQUENCE));
    }

    #[test]
    fn nobody_moves_faster_than_a_train() {
        // A thousandth of a degree of latitude is 111.2 m: 1,112 m in 10 s is 111 m/s, in 20 s 56 m/s.
        let far = |ago| Some(report(60.01, ago));
        let judged = judge(&[Some(report(60.0, 20)), far(10)], None, now());
        assert_eq!(judged[1], Err(Rejection::TooFast));
        assert!(judge(&[Some(report(60.0, 20)), far(0)], None, now()).iter().all(Result::is_ok));
        let unsure = Report { accuracy_m: Some(450.0), ..report(60.01, 10) };
        assert!(judge(&[Some(report(60.0, 20)), Some(unsure)], None, now()).iter().all(Result::is_ok));
    }

    #[test]
    fn a_late_position_is_compared_with_its_own_time_and_not_with_now() {
        let mut fixes = read_all(&[Some(report(60.01, 3_590))], now());
        let past = Fix::read(&report(60.0, 3_600), now()).unwrap().as_last();
        super::judge(&mut fixes, |_| Some(past));
        assert_eq!(fixes, [Err(Rejection::TooFast)], "111 m/s an hour ago");
    }

    #[test]
    fn one_wild_position_does_not_take_the_others_with_it() {
        let reports = [60.0, 60.0001, 61.0, 60.0002].map(|lat| report(lat, 0));
        let reports: Vec<_> =
            reports.iter().zip([30, 20, 10, 0]).map(|(one, ago)| Some(report(one.lat, ago))).collect();
        let judged = judge(&reports, None, now());
        let kept: Vec<bool> = judged.iter().map(Result::is_ok).collect();
        assert_eq!(kept, [true, true, false, true]);
        let unreadable = judge(&[None, Some(report(60.0, 0))], None, now());
        assert_eq!(unreadable[0], Err(Rejection::Invalid));
        assert!(unreadable[1].is_ok());
    }

    proptest! {
        /// A track that a driver can have driven is kept whole, whatever order it comes in.
        #[test]
        fn the_order_of_arrival_does_not_decide(
            steps in prop::collection::vec(0_u32..60, 1..40),
            seed in any::<u64>(),
        ) {
            let mut metres = 0.0;
            let track: Vec<Option<Report>> = steps.iter().enumerate().map(|(index, step)| {
                metres += f64::from(*step);
                Some(report(60.0 + metres / 111_200.0, 3_600 - i64::try_from(index).unwrap()))
            }).collect();
            let mut shuffled = track.clone();
            let len = shuffled.len();
            for index in 0..len {
                let other = usize::try_from((seed >> (index % 48)) % u64::try_from(len).unwrap()).unwrap();
                shuffled.swap(index, other);
            }
            prop_assert!(judge(&shuffled, None, now()).iter().all(Result::is_ok));
            let (first, rest) = shuffled.split_at(len / 2);
            let kept: Vec<Fix> = judge(first, None, now()).into_iter().flatten().collect();
            let mut late = read_all(rest, now());
            super::judge(&mut late, |fix| {
                kept.iter().filter(|other| other.at <= fix.at).max_by_key(|other| other.at).map(Fix::as_last)
            });
            prop_assert!(late.iter().all(Result::is_ok));
        }
    }
}
