//! Opening hours: when a shop is open, and when it opens next.
//!
//! - A span begins on its day and ends on the same day or, where `until <= from`, on the next one: `18:00` to `02:00` is an
//!   evening, `00:00` to `00:00` a whole day.
//! - An exception replaces the spans that begin on its date. A span that began the evening before still runs to its end.
//! - Times are those of the clock on the shop's wall. Where the clock is put forward, a time that does not exist is as much
//!   later as the clock jumped (02:30 is 03:30); where it is put back, a time that exists twice is the first of the two
//!   (RFC 5545, section 3.3.5, for both). A span of which nothing is left by that does not take place.
//! - A span includes its begin and not its end.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Spans of one day, and of one exception.
pub const MAX_SPANS: usize = 8;
/// Exceptions of one shop.
pub const MAX_EXCEPTIONS: usize = 400;
/// How far the next opening is looked for, in days: beyond a year's exceptions only a weekday that is not there follows.
const HORIZON_DAYS: i64 = 400;

/// A time of day on the wall, in minutes since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minute(u16);

impl Minute {
    /// Reads `HH:MM`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |part: &str, below: u16| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten().filter(|number| *number < below)
        };
        Some(Self(number(hours, 24)? * 60 + number(minutes, 60)?))
    }

    fn time(self) -> Time {
        let part = |number: u16| i8::try_from(number).unwrap_or(0);
        Time::new(part(self.0 / 60), part(self.0 % 60), 0, 0).unwrap_or_default()
    }
}

impl std::fmt::Display for Minute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Open from here until there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The begin.
    pub from: Minute,
    /// The end; not after the begin means the next day.
    pub until: Minute,
}

impl Span {
    fn crosses_midnight(self) -> bool {
        self.until <= self.from
    }

    /// The end in minutes since the midnight before the begin.
    fn end(self) -> u16 {
        if self.crosses_midnight() { self.until.0 + 24 * 60 } else { self.until.0 }
    }
}

/// Two spans of one day overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the spans of a day must not overlap")]
pub struct Overlap;

/// The spans of one day, earliest first.
pub fn day(mut spans: Vec<Span>) -> Result<Vec<Span>, Overlap> {
    spans.sort_by_key(|span| span.from);
    let apart = spans.windows(2).all(|pair| pair[0].end() <= pair[1].from.0);
    if apart { Ok(spans) } else { Err(Overlap) }
}

/// When a shop is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningHours {
    /// The spans that begin on each weekday, Monday first.
    pub weekly: [Vec<Span>; 7],
    /// What holds on a date instead of its weekday; none: closed.
    pub exceptions: BTreeMap<Date, Vec<Span>>,
}

impl OpeningHours {
    /// Whether the shop is open at this moment.
    pub fn is_open(&self, zone: &TimeZone, at: Timestamp) -> bool {
        let today = zone.to_datetime(at).date();
        [today.yesterday().ok(), Some(today)]
            .into_iter()
            .flatten()
            .flat_map(|date| self.moments(zone, date))
            .any(|(from, until)| from <= at && at < until)
    }

    /// This moment if the shop is open, else the next one at which it opens; `None` when that is not within a year.
    pub fn next_open(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        if self.is_open(zone, at) {
            return Some(at);
        }
        let today = zone.to_datetime(at).date();
        (0..HORIZON_DAYS)
            .map_while(|days| today.checked_add(jiff::Span::new().days(days)).ok())
            .find_map(|date| self.moments(zone, date).map(|(from, _)| from).filter(|from| *from >= at).min())
    }

    fn on(&self, date: Date) -> &[Span] {
        self.exceptions.get(&date).unwrap_or(&self.weekly[index(date.weekday())])
    }

    /// The spans that begin on this date, as moments.
    fn moments<'a>(
        &'a self,
        zone: &'a TimeZone,
        date: Date,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
        self.on(date).iter().filter_map(move |span| {
            let last = if span.crosses_midnight() { date.tomorrow().ok()? } else { date };
            let moment = |date: Date, minute: Minute| zone.to_timestamp(date.to_datetime(minute.time())).ok();
            let (from, until) = (moment(date, span.from)?, moment(last, span.until)?);
            (from < until).then_some((from, until))
        })
    }
}

fn index(weekday: Weekday) -> usize {
    usize::try_from(weekday.to_monday_zero_offset()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
