//! Clocks that are put forward and back, ends, and rules that are none.

use std::time::{Duration, Instant};

use jiff::civil::date;
use proptest::prelude::{Strategy as _, prop, prop_oneof, proptest};

use super::*;

fn rule(text: &str, starts_at: &str, zone: &str) -> Rule {
    Rule::read(text, starts_at.parse().unwrap(), None, zone).unwrap()
}

fn refused(text: &str) -> RuleError {
    Rule::read(text, date(2026, 11, 20).at(9, 0, 0, 0), None, "Europe/Helsinki").unwrap_err()
}

fn times(rule: &Rule, count: usize) -> Vec<String> {
    rule.after(Timestamp::MIN).take(count).map(|one| one.at.to_string()).collect()
}

#[test]
fn the_wall_clock_stays_when_clocks_are_put_forward_and_back() {
    let spring = rule("FREQ=DAILY", "2026-03-28T09:00", "Europe/Helsinki");
    assert_eq!(times(&spring, 3), ["2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z", "2026-03-30T06:00:00Z"]);
    let autumn = rule("FREQ=DAILY", "2026-10-24T09:00", "Europe/Helsinki");
    assert_eq!(times(&autumn, 3), ["2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z", "2026-10-26T07:00:00Z"]);
    let american = rule("FREQ=WEEKLY;BYDAY=SA,SU", "2026-10-31T18:00", "America/New_York");
    assert_eq!(times(&american, 2), ["2026-10-31T22:00:00Z", "2026-11-01T23:00:00Z"]);
}

#[test]
fn a_time_that_is_left_out_moves_forward_by_the_gap() {
    let helsinki = rule("FREQ=DAILY", "2026-03-28T03:30", "Europe/Helsinki");
    assert_eq!(times(&helsinki, 3), ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
    let moved: Vec<_> = helsinki.after(Timestamp::MIN).take(3).map(|one| one.local.to_string()).collect();
    assert_eq!(moved[1], "2026-03-29T04:30:00");
    let york = rule("FREQ=DAILY", "2026-03-07T02:30", "America/New_York");
    assert_eq!(times(&york, 3), ["2026-03-07T07:30:00Z", "2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"]);
}

#[test]
fn of_a_time_that_is_there_twice_the_first_counts_and_it_happens_once() {
    let helsinki = rule("FREQ=DAILY", "2026-10-24T03:30", "Europe/Helsinki");
    assert_eq!(times(&helsinki, 3), ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    let york = rule("FREQ=DAILY", "2026-10-31T01:30", "America/New_York");
    assert_eq!(times(&york, 3), ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
}

#[test]
fn a_day_that_a_country_left_out_happens_once() {
    // Samoa went from 29 to 31 December 2011.
    let apia = rule("FREQ=DAILY", "2011-12-29T09:00", "Pacific/Apia");
    assert_eq!(times(&apia, 3), ["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"]);
}

#[test]
fn days_are_those_of_the_place_across_midnight() {
    let late = rule("FREQ=WEEKLY;BYDAY=MO", "2026-11-23T00:30", "Europe/Helsinki");
    assert_eq!(times(&late, 2), ["2026-11-22T22:30:00Z", "2026-11-29T22:30:00Z"]);
    let evening = rule("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-01T23:30", "America/New_York");
    assert_eq!(times(&evening, 2), ["2026-12-01T04:30:00Z", "2027-01-01T04:30:00Z"]);
}

#[test]
fn a_rule_ends_by_count_until_or_date() {
    let all = |text: &str| times(&rule(text, "2026-11-20T09:00", "Europe/Helsinki"), 99).len();
    assert_eq!(all("FREQ=DAILY;COUNT=3"), 3);
    assert_eq!(all("FREQ=DAILY;UNTIL=20261122"), 3);
    assert_eq!(all("FREQ=DAILY;UNTIL=20261122T090000"), 3);
    assert_eq!(all("FREQ=DAILY;UNTIL=20261122T085959"), 2);
    // 9:00 in Helsinki is 7:00 in UTC.
    assert_eq!(all("FREQ=DAILY;UNTIL=20261122T070000Z"), 3);
    assert_eq!(all("FREQ=DAILY;UNTIL=20261122T065959Z"), 2);
    assert_eq!(all("freq=daily;until=20261122"), 3);
    let (starts, ends) = (date(2026, 11, 20).at(9, 0, 0, 0), date(2026, 11, 21).at(9, 0, 0, 0));
    let both = Rule::read("FREQ=DAILY;COUNT=5", starts, Some(ends), "Europe/Helsinki").unwrap();
    assert_eq!(times(&both, 9).len(), 2);
}

#[test]
fn a_count_counts_from_the_beginning() {
    let rule = rule("FREQ=DAILY;COUNT=3", "2026-11-20T09:00", "UTC");
    let later = rule.after("2026-11-21T09:00:00Z".parse().unwrap());
    assert_eq!(later.map(|one| one.at.to_string()).collect::<Vec<_>>(), ["2026-11-22T09:00:00Z"]);
}

#[test]
fn what_cannot_be_a_rule_for_orders_is_refused_with_its_reason() {
    for often in [
        "FREQ=HOURLY",
        "FREQ=MINUTELY",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=9,17",
        "FREQ=DAILY;BYMINUTE=0,30",
    ] {
        assert_eq!(refused(often), RuleError::Often, "{often}");
    }
    for never in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=20260101",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    ] {
        assert_eq!(refused(never), RuleError::Never, "{never}");
    }
    for numbers in
        ["FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=1001", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=1001"]
    {
        assert_eq!(refused(numbers), RuleError::Numbers, "{numbers}");
    }
    assert_eq!(refused("FREQ=DAILY;COUNT=2;UNTIL=20270101"), RuleError::TwoEnds);
    assert_eq!(refused("FREQ=DAILY;UNTIL=tomorrow"), RuleError::Until);
    for none in [
        "",
        "weekly",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;BYDAY=XX",
        "BYDAY=MO",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYMONTHDAY=1",
    ] {
        assert!(matches!(refused(none), RuleError::Unreadable(_)), "{none}");
    }
    let start = date(1999, 12, 31).at(9, 0, 0, 0);
    assert_eq!(Rule::read("FREQ=DAILY", start, None, "UTC").unwrap_err(), RuleError::Start);
    let start = date(2026, 11, 20).at(9, 0, 0, 0);
    assert_eq!(Rule::read("FREQ=DAILY", start, None, "Mars/Olympus").unwrap_err(), RuleError::Zone);
}

#[test]
fn rules_that_never_come_again_end_the_search_soon() {
    let begun = Instant::now();
    for text in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYMONTH=2;BYDAY=MO;BYSETPOS=7",
        "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
        "FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2;BYMONTHDAY=1",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    ] {
        refused(text);
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

proptest! {
    /// Whatever is written, the answer comes, and the times go forward, one a day.
    #[test]
    fn any_text_is_a_rule_or_refused(
        freq in prop_oneof!["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "[A-Z]{5}"],
        parts in prop::collection::vec(
            prop_oneof![
                "BYDAY=(-?[1-6])?(MO|TU|SU)(,(-?[1-6])?(WE|FR))?", "BYMONTH=(1|2|13)(,12)?", "BYMONTHDAY=-?(1|30|31|32)",
                "BYSETPOS=-?[1-9]{1,3}", "BYWEEKNO=-?(1|53)", "BYYEARDAY=-?(1|366)", "INTERVAL=[1-9]{1,3}", "COUNT=[0-9]{1,3}",
                "WKST=(MO|SU)", "BYHOUR=(0|23)", "UNTIL=20(27|30)0[1-9]1[0-9]", "[A-Z=,;0-9-]{1,20}",
            ],
            0..4,
        ),
        zone in prop_oneof!["Europe/Helsinki", "America/New_York", "Australia/Lord_Howe"].prop_map(|zone: String| zone),
    ) {
        let text = format!("FREQ={freq};{}", parts.join(";"));
        let text = text.trim_end_matches(';');
        if let Ok(rule) = Rule::read(text, date(2026, 3, 28).at(2, 30, 0, 0), None, &zone) {
            let found: Vec<Occurrence> = rule.after(Timestamp::MIN).take(20).collect();
            for (one, next) in found.iter().zip(&found[1..]) {
                assert!(one.at < next.at && one.local.date() < next.local.date(), "{text}: {one:?} {next:?}");
            }
        }
    }
}
