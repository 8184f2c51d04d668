use proptest::prelude::*;

use super::*;

fn span(from: &str, until: &str) -> Span {
    Span { from: Minute::parse(from).unwrap(), until: Minute::parse(until).unwrap() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// The same spans on every day.
fn daily(spans: &[Span]) -> OpeningHours {
    OpeningHours { weekly: std::array::from_fn(|_| spans.to_vec()), exceptions: BTreeMap::new() }
}

fn next(hours: &OpeningHours, moment: &str) -> String {
    hours.next_open(&berlin(), at(moment)).unwrap().to_string()
}

#[test]
fn times_of_day_are_two_digits_each() {
    assert_eq!(Minute::parse("08:05").unwrap().to_string(), "08:05");
    assert_eq!(Minute::parse("23:59").unwrap().time().to_string(), "23:59:00");
    for bad in ["24:00", "8:00", "08:60", "08", "", "+8:00", "08:00:00", "ab:cd", "08:0x"] {
        assert_eq!(Minute::parse(bad), None, "{bad}");
    }
}

#[test]
fn the_begin_is_open_and_the_end_is_closed() {
    let hours = daily(&[span("08:00", "12:00"), span("14:00", "18:00")]);
    // Berlin is one hour ahead of UTC in winter.
    for (moment, open) in [
        ("2026-11-23T06:59:59Z", false),
        ("2026-11-23T07:00:00Z", true),
        ("2026-11-23T10:59:59Z", true),
        ("2026-11-23T11:00:00Z", false),
        ("2026-11-23T13:00:00Z", true),
        ("2026-11-23T17:00:00Z", false),
    ] {
        assert_eq!(hours.is_open(&berlin(), at(moment)), open, "{moment}");
    }
    assert_eq!(next(&hours, "2026-11-23T09:00:00Z"), "2026-11-23T09:00:00Z", "open already");
    assert_eq!(next(&hours, "2026-11-23T11:00:00Z"), "2026-11-23T13:00:00Z", "after the break");
    assert_eq!(next(&hours, "2026-11-23T17:00:00Z"), "2026-11-24T07:00:00Z", "the next day");
}

#[test]
fn an_evening_goes_on_after_midnight() {
    let mut hours = daily(&[]);
    hours.weekly[4] = vec![span("18:00", "02:00")];
    // Friday is the 27th.
    for (moment, open) in [
        ("2026-11-27T16:59:00Z", false),
        ("2026-11-27T17:00:00Z", true),
        ("2026-11-28T00:59:59Z", true),
        ("2026-11-28T01:00:00Z", false),
        ("2026-11-28T17:00:00Z", false),
    ] {
        assert_eq!(hours.is_open(&berlin(), at(moment)), open, "{moment}");
    }
    assert_eq!(next(&hours, "2026-11-28T01:00:00Z"), "2026-12-04T17:00:00Z", "the next Friday");
    let always = daily(&[span("00:00", "00:00")]);
    assert!(always.is_open(&berlin(), at("2026-11-28T22:59:59Z")));
    assert!(always.is_open(&berlin(), at("2026-11-28T23:00:00Z")));
}

#[test]
fn an_exception_replaces_its_day_and_not_the_evening_before() {
    let mut hours = daily(&[span("18:00", "02:00")]);
    let (eve, holiday) = ("2026-12-24".parse().unwrap(), "2026-12-25".parse().unwrap());
    hours.exceptions.insert(eve, vec![span("10:00", "13:00")]);
    hours.exceptions.insert(holiday, Vec::new());
    assert!(hours.is_open(&berlin(), at("2026-12-24T00:30:00Z")), "the evening of the 23rd");
    assert!(hours.is_open(&berlin(), at("2026-12-24T09:00:00Z")));
    assert!(!hours.is_open(&berlin(), at("2026-12-24T18:00:00Z")));
    assert_eq!(next(&hours, "2026-12-24T12:00:00Z"), "2026-12-26T17:00:00Z");
}

#[test]
fn the_wall_clock_holds_on_both_sides_of_a_change() {
    let hours = daily(&[span("08:00", "18:00")]);
    // The clock is put forward on 29 March 2026 and back on 25 October 2026.
    assert_eq!(next(&hours, "2026-03-28T20:00:00Z"), "2026-03-29T06:00:00Z");
    assert_eq!(next(&hours, "2026-03-27T20:00:00Z"), "2026-03-28T07:00:00Z");
    assert_eq!(next(&hours, "2026-10-24T20:00:00Z"), "2026-10-25T07:00:00Z");
    assert_eq!(next(&hours, "2026-10-23T20:00:00Z"), "2026-10-24T06:00:00Z");
}

#[test]
fn in_spring_a_missing_time_is_as_much_later_as_the_clock_jumped() {
    // 02:00 becomes 03:00 at 01:00 UTC.
    let hours = daily(&[span("02:30", "05:00")]);
    assert!(!hours.is_open(&berlin(), at("2026-03-29T01:00:00Z")));
    assert_eq!(next(&hours, "2026-03-29T00:00:00Z"), "2026-03-29T01:30:00Z");
    assert!(
        hours.is_open(&berlin(), at("2026-03-29T02:59:59Z"))
            && !hours.is_open(&berlin(), at("2026-03-29T03:00:00Z"))
    );
    let gone = daily(&[span("02:30", "03:10")]);
    assert_eq!(
        next(&gone, "2026-03-29T00:00:00Z"),
        "2026-03-30T00:30:00Z",
        "nothing of it is left that night"
    );
    let night = daily(&[span("22:00", "04:00")]);
    assert!(night.is_open(&berlin(), at("2026-03-29T01:59:59Z")), "five hours long");
    assert!(!night.is_open(&berlin(), at("2026-03-29T02:00:00Z")));
}

#[test]
fn in_autumn_a_time_that_exists_twice_is_the_first() {
    // 03:00 becomes 02:00 at 01:00 UTC: 02:30 is 00:30 UTC and 01:30 UTC.
    let late = daily(&[span("20:00", "02:30")]);
    assert!(late.is_open(&berlin(), at("2026-10-25T00:29:59Z")));
    assert!(
        !late.is_open(&berlin(), at("2026-10-25T00:30:00Z"))
            && !late.is_open(&berlin(), at("2026-10-25T01:10:00Z"))
    );
    let early = daily(&[span("02:30", "06:00")]);
    assert_eq!(next(&early, "2026-10-25T00:00:00Z"), "2026-10-25T00:30:00Z");
    assert!(early.is_open(&berlin(), at("2026-10-25T01:10:00Z")), "and stays open in the repeated hour");
    let night = daily(&[span("22:00", "04:00")]);
    assert!(night.is_open(&berlin(), at("2026-10-25T02:59:59Z")), "seven hours long");
    assert!(!night.is_open(&berlin(), at("2026-10-25T03:00:00Z")));
}

#[test]
fn the_zone_decides_which_day_it_is() {
    let mut hours = daily(&[]);
    hours.weekly[0] = vec![span("09:00", "17:00")];
    let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
    let sunday_in_berlin = at("2026-11-29T23:30:00Z");
    assert_eq!(hours.next_open(&shanghai, sunday_in_berlin).unwrap().to_string(), "2026-11-30T01:00:00Z");
    let apia = TimeZone::get("Pacific/Apia").unwrap();
    // Samoa left out 30 December 2011 altogether.
    let friday = OpeningHours {
        weekly: std::array::from_fn(|day| if day == 4 { vec![span("09:00", "17:00")] } else { vec![] }),
        exceptions: BTreeMap::new(),
    };
    assert!(friday.next_open(&apia, at("2011-12-29T12:00:00Z")).is_some());
}

#[test]
fn a_shop_that_never_opens_has_no_next_opening() {
    assert_eq!(daily(&[]).next_open(&berlin(), at("2026-11-27T12:00:00Z")), None);
}

#[test]
fn spans_of_a_day_do_not_overlap() {
    assert_eq!(day(vec![span("14:00", "18:00"), span("08:00", "12:00")]).unwrap()[0], span("08:00", "12:00"));
    assert!(
        day(vec![span("08:00", "12:00"), span("12:00", "14:00")]).is_ok(),
        "one ends where the next begins"
    );
    assert_eq!(day(vec![span("08:00", "12:00"), span("11:59", "14:00")]), Err(Overlap));
    assert_eq!(day(vec![span("18:00", "02:00"), span("22:00", "23:00")]), Err(Overlap), "past midnight");
    assert_eq!(day(vec![span("08:00", "08:00"), span("09:00", "10:00")]), Err(Overlap), "a whole day");
}

proptest! {
    /// Whatever the hours: at the next opening the shop is open, and between now and then it is not.
    #[test]
    fn the_next_opening_is_open_and_nothing_before_it_is(
        from in 0_u16..1440, until in 0_u16..1440, weekday in 0_usize..7, minutes in 0_i64..525_600,
    ) {
        let mut hours = daily(&[]);
        hours.weekly[weekday] = vec![Span { from: Minute(from), until: Minute(until) }];
        let zone = berlin();
        let now = at("2026-01-01T00:00:00Z") + kernel::time::SignedDuration::from_mins(minutes);
        let opens = hours.next_open(&zone, now).unwrap();
        prop_assert!(opens >= now && hours.is_open(&zone, opens));
        for part in 1..20 {
            let between = now + (opens.duration_since(now) / 20) * part;
            prop_assert_eq!(hours.is_open(&zone, between), opens == now || between >= opens);
        }
    }
}
