//! Times of the week, for rules and speeds that depend on them. Local time is the caller's business.

use serde::{Deserialize, Serialize};

/// A minute of the week, in the local time of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfWeek {
    day: u8,
    minute: u16,
}

impl TimeOfWeek {
    /// `day`: 0 is Monday. Values beyond a week are taken modulo.
    pub fn new(day: u8, hour: u8, minute: u8) -> Self {
        Self { day: day % 7, minute: (u16::from(hour) * 60 + u16::from(minute)) % 1_440 }
    }

    /// Hour of the day, 0 to 23.
    pub fn hour(self) -> usize {
        usize::from(self.minute / 60)
    }
}

/// When a rule holds: days and minutes of the day, as in `Mo-Fr 07:00-09:00`. A span may run past midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    spans: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    /// Bit 0 is Monday.
    days: u8,
    from: u16,
    to: u16,
}

const DAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const EVERY_DAY: u8 = 0x7f;

impl Schedule {
    /// `None` for what is more than days and hours (seasons, holidays, weights): such a rule is not applied.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut spans = Vec::new();
        for rule in text.split(';').map(str::trim).filter(|rule| !rule.is_empty() && !rule.starts_with("PH"))
        {
            let (days, hours) = match rule.split_once(' ') {
                Some((days, hours)) => (parse_days(days)?, hours.trim()),
                None if rule.as_bytes()[0].is_ascii_digit() => (EVERY_DAY, rule),
                None => (parse_days(rule)?, "00:00-24:00"),
            };
            for span in hours.split(',') {
                let (from, to) = span.trim().split_once('-')?;
                spans.push(Span { days, from: parse_minute(from)?, to: parse_minute(to)? });
            }
        }
        if spans.is_empty() { None } else { Some(Self { spans }) }
    }

    pub(crate) fn holds(&self, time: TimeOfWeek) -> bool {
        let on = |days: u8, day: u8| days & (1 << day) != 0;
        self.spans.iter().any(|span| {
            if span.from < span.to {
                on(span.days, time.day) && (span.from..span.to).contains(&time.minute)
            } else {
                let yesterday = (time.day + 6) % 7;
                (on(span.days, time.day) && time.minute >= span.from)
                    || (on(span.days, yesterday) && time.minute < span.to)
            }
        })
    }
}

/// `Mo-Fr,Su`.
fn parse_days(text: &str) -> Option<u8> {
    let day = |name: &str| DAYS.iter().position(|known| *known == name);
    let mut days = 0;
    for part in text.split(',').map(str::trim).filter(|part| *part != "PH") {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let count = (last + 7 - first) % 7;
        for offset in 0..=count {
            days |= 1 << ((first + offset) % 7);
        }
    }
    (days != 0).then_some(days)
}

fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && total <= 1_440).then_some(total)
}

/// The parts of `value @ (when); value @ (when)`.
pub(crate) fn conditional(text: &str) -> Vec<(&str, Schedule)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((value, after)) = rest.split_once('@') {
        let after = after.trim_start();
        let (when, next) = match after.strip_prefix('(') {
            Some(inner) => inner.split_once(')').unwrap_or((inner, "")),
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if let Some(schedule) = Schedule::parse(when) {
            found.push((value.trim(), schedule));
        }
        rest = next.trim_start().trim_start_matches(';').trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, day: u8, hour: u8, minute: u8) -> bool {
        Schedule::parse(text).unwrap().holds(TimeOfWeek::new(day, hour, minute))
    }

    #[test]
    fn days_and_hours_are_understood() {
        assert!(holds("Mo-Fr 07:00-09:00", 0, 7, 0));
        assert!(!holds("Mo-Fr 07:00-09:00", 0, 9, 0));
        assert!(!holds("Mo-Fr 07:00-09:00", 5, 8, 0));
        assert!(holds("Mo-Fr 07:00-09:00,16:00-18:30; Sa 10:00-12:00", 5, 11, 0));
        assert!(holds("16:00-18:30", 6, 18, 29));
        assert!(holds("Fr-Mo", 6, 3, 0) && !holds("Fr-Mo", 2, 3, 0));
        assert!(holds("Mo-Fr 08:00-10:00; PH off", 0, 9, 0));
    }

    #[test]
    fn a_span_may_run_past_midnight() {
        assert!(holds("Sa 22:00-06:00", 5, 23, 0));
        assert!(holds("Sa 22:00-06:00", 6, 5, 59));
        assert!(!holds("Sa 22:00-06:00", 5, 5, 0));
    }

    #[test]
    fn what_is_more_than_days_and_hours_is_left_alone() {
        for text in ["Nov-Mar", "weight>3.5", "sunset-sunrise", "", "Mo 25:00-26:00", "wet", "Mo-Fr 7-9"] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }

    #[test]
    fn several_values_have_their_own_times() {
        let parts = conditional("no @ (Mo-Fr 07:00-09:00; Sa 08:00-12:00); 30 @ (22:00-06:00); 20 @ (snow)");
        let values: Vec<_> = parts.iter().map(|(value, _)| *value).collect();
        assert_eq!(values, ["no", "30"]);
        assert!(conditional("garbage").is_empty());
        assert_eq!(conditional("no @ 07:00-09:00").len(), 1);
    }
}
