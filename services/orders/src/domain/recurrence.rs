//! When something comes back: a rule of RFC 5545 in the wall-clock time of a place.
//!
//! - The rule is expanded in plain local time and only then placed on the time line: it keeps to the wall clock across
//!   daylight saving. A local time that does not exist (a clock put forward) moves forward by the gap; one that exists
//!   twice is the first one (RFC 5545, section 3.3.5).
//! - `UNTIL` is a date (its whole day), a local time, or a moment in UTC.
//! - A rule happens at most once a day, and at least once between 2000 and 2100.

use std::str::FromStr as _;

use chrono::{Datelike as _, Timelike as _};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use rrule::{Frequency, RRule, RRuleSet, Tz, Unvalidated};

/// The years in which deliveries lie.
const FIRST_YEAR: i16 = 2000;
const LAST_YEAR: i16 = 2099;
/// Longer pauses are a misunderstanding, and cost time to count.
const MAX_INTERVAL: u16 = 1000;

/// Why something is no rule for orders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No such zone.
    #[error("is no IANA time zone")]
    Zone,
    /// Outside the years of deliveries.
    #[error("must lie between the years 2000 and 2099")]
    Start,
    /// It cannot be read.
    #[error("is no rule of RFC 5545: {0}")]
    Unreadable(String),
    /// Several times a day.
    #[error(
        "happens more than once a day: FREQ is DAILY, WEEKLY, MONTHLY or YEARLY, and BYHOUR, BYMINUTE and BYSECOND have one value"
    )]
    Often,
    /// Two ends.
    #[error("has COUNT and UNTIL; only one of them is allowed")]
    TwoEnds,
    /// The end cannot be read.
    #[error("has an UNTIL that is neither 20261231, 20261231T235959 nor 20261231T235959Z")]
    Until,
    /// Zero, or too long.
    #[error("has an INTERVAL or COUNT outside 1 to 1000")]
    Numbers,
    /// No day fits.
    #[error("never happens")]
    Never,
}

impl RuleError {
    /// The field that is wrong.
    pub fn pointer(&self) -> &'static str {
        match self {
            Self::Zone => "/time_zone",
            Self::Start => "/starts_at",
            _ => "/rrule",
        }
    }
}

/// A rule with its beginning, its end and its place.
#[derive(Debug, Clone)]
pub struct Rule {
    set: RRuleSet,
    last: DateTime,
    zone: TimeZone,
}

/// One time that a rule gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// When.
    pub at: Timestamp,
    /// What a clock at the place shows then.
    pub local: DateTime,
}

impl Rule {
    /// Reads a rule. Nothing happens after `ends_at`, whatever the rule says.
    pub fn read(
        rrule: &str,
        starts_at: DateTime,
        ends_at: Option<DateTime>,
        time_zone: &str,
    ) -> Result<Self, RuleError> {
        let zone = TimeZone::get(time_zone).map_err(|_unknown| RuleError::Zone)?;
        if !(FIRST_YEAR..=LAST_YEAR).contains(&starts_at.year()) {
            return Err(RuleError::Start);
        }
        let (text, until) = without_until(rrule, &zone)?;
        let parsed = RRule::<Unvalidated>::from_str(&text).map_err(unreadable)?;
        check(&parsed, until.is_some())?;
        let set = parsed.build(floating(starts_at)).map_err(unreadable)?.limit();
        let end_of_time = Date::constant(LAST_YEAR, 12, 31).to_datetime(Time::MAX);
        let last = [until, ends_at].into_iter().flatten().fold(end_of_time, DateTime::min);
        let read = Self { set, last, zone };
        if read.after(Timestamp::MIN).next().is_some() { Ok(read) } else { Err(RuleError::Never) }
    }

    /// What it gives after a moment, earliest first.
    pub fn after(&self, moment: Timestamp) -> impl Iterator<Item = Occurrence> + '_ {
        let mut previous = moment;
        let local = self.set.into_iter().map(civil).take_while(|local| *local <= self.last);
        let placed = local.filter_map(|local| self.place(local));
        // Where a country leaves out a day, two local times are one moment: it happens once.
        placed.filter(move |one| {
            let later = one.at > previous;
            previous = previous.max(one.at);
            later
        })
    }

    fn place(&self, local: DateTime) -> Option<Occurrence> {
        let at = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Occurrence { at, local: self.zone.to_datetime(at) })
    }
}

fn unreadable(error: impl std::fmt::Display) -> RuleError {
    RuleError::Unreadable(error.to_string())
}

/// The rule without its `UNTIL`, and that in local time.
fn without_until(rrule: &str, zone: &TimeZone) -> Result<(String, Option<DateTime>), RuleError> {
    let (mut rest, mut until) = (Vec::new(), None);
    for part in rrule.split(';') {
        match part.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("UNTIL") => {
                until = Some(end(value, zone).ok_or(RuleError::Until)?);
            }
            _ => rest.push(part),
        }
    }
    Ok((rest.join(";"), until))
}

fn end(text: &str, zone: &TimeZone) -> Option<DateTime> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let date = Date::strptime("%Y%m%d", date).ok()?;
    let Some(time) = time else { return Some(date.to_datetime(Time::constant(23, 59, 59, 0))) };
    let utc = time.strip_suffix('Z');
    let wall = date.to_datetime(Time::strptime("%H%M%S", utc.unwrap_or(time)).ok()?);
    if utc.is_none() {
        return Some(wall);
    }
    Some(zone.to_datetime(TimeZone::UTC.to_timestamp(wall).ok()?))
}

fn check(rule: &RRule<Unvalidated>, ends: bool) -> Result<(), RuleError> {
    let daily = !matches!(rule.get_freq(), Frequency::Hourly | Frequency::Minutely | Frequency::Secondly);
    let times = [rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second()];
    if !daily || times.iter().any(|values| values.len() > 1) {
        return Err(RuleError::Often);
    }
    if ends && rule.get_count().is_some() {
        return Err(RuleError::TwoEnds);
    }
    let counted = rule.get_count().is_none_or(|count| (1..=1000).contains(&count));
    if !counted || !(1..=MAX_INTERVAL).contains(&rule.get_interval()) {
        return Err(RuleError::Numbers);
    }
    Ok(())
}

/// A local time as if it were UTC: the library's own zones would place a time of a gap otherwise than RFC 5545.
fn floating(local: DateTime) -> chrono::DateTime<Tz> {
    let seconds = TimeZone::UTC.to_timestamp(local).map_or(0, Timestamp::as_second);
    chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().with_timezone(&Tz::UTC)
}

fn civil(floating: chrono::DateTime<Tz>) -> DateTime {
    let small = |value: u32| i8::try_from(value).unwrap_or_default();
    let year = i16::try_from(floating.year()).unwrap_or(i16::MAX);
    let date = Date::new(year, small(floating.month()), small(floating.day())).unwrap_or(Date::MAX);
    let time = Time::new(small(floating.hour()), small(floating.minute()), small(floating.second()), 0);
    date.to_datetime(time.unwrap_or_default())
}

#[cfg(test)]
mod tests;
