//! PINs: six to twelve digits that are not the first ones to be tried.
//!
//! Refused are a digit or a short group repeated, a run up or down, and dates: with five guesses a minute these few
//! thousand are the ones that somebody would try (Bonneau, Preibusch, Anderson: "A birthday present every eleven
//! wallets?", 2012).

use platform::{Error, Result};

/// How many digits a PIN has.
pub const LEN: std::ops::RangeInclusive<usize> = 6..=12;
/// Years in which somebody who works here may have been born, or whose children may have been.
const YEARS: std::ops::RangeInclusive<u32> = 1930..=2039;

/// Refuses what is no PIN, and what is too easy to guess, saying why.
pub fn check(pin: &str) -> Result<()> {
    if !LEN.contains(&pin.len()) || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid_field("/pin", "six to twelve digits"));
    }
    match weakness(pin) {
        None => Ok(()),
        Some(why) => Err(Error::invalid_field("/pin", why)),
    }
}

fn weakness(pin: &str) -> Option<&'static str> {
    if is_repetition(pin) {
        return Some("too easy to guess: the same digits repeated");
    }
    if is_run(pin) {
        return Some("too easy to guess: digits in a row");
    }
    is_date(pin).then_some("too easy to guess: it looks like a date or a year of birth")
}

/// `111111`, `121212`, `123123`, `47114711`.
fn is_repetition(pin: &str) -> bool {
    (1..=pin.len() / 2).any(|group| {
        pin.len().is_multiple_of(group)
            && pin.as_bytes().chunks(group).all(|part| part == &pin.as_bytes()[..group])
    })
}

/// `123456`, `987654`, `890123`, `135791`: each digit the same distance from the one before, counted in a circle; and
/// the halves of a run, `123321`.
fn is_run(pin: &str) -> bool {
    let steps =
        |digits: &[u8]| -> Vec<u8> { digits.windows(2).map(|pair| (10 + pair[1] - pair[0]) % 10).collect() };
    let even = |digits: &[u8]| {
        let steps = steps(digits);
        steps.windows(2).all(|pair| pair[0] == pair[1])
    };
    let digits = pin.as_bytes();
    let (left, right) = digits.split_at(digits.len() / 2);
    even(digits) || (left.len() >= 3 && right.iter().eq(left.iter().rev()) && even(left))
}

/// A year in front or behind, or six digits that are day, month and year in one of the usual orders.
fn is_date(pin: &str) -> bool {
    let number = |range: std::ops::Range<usize>| pin[range].parse::<u32>().unwrap_or(0);
    let year = |at: usize| YEARS.contains(&number(at..at + 4));
    if year(0) || year(pin.len() - 4) {
        return true;
    }
    let day_and_month = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    let (a, b, c) = (number(0..2), number(2..4), number(4..6));
    pin.len() == 6 && (day_and_month(a, b) || day_and_month(b, a) || day_and_month(c, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_refused_with_a_reason() {
        for (pin, why) in [
            ("111111", "repeated"),
            ("121212", "repeated"),
            ("123123", "repeated"),
            ("47114711", "repeated"),
            ("123456", "in a row"),
            ("654321", "in a row"),
            ("890123", "in a row"),
            ("246802", "in a row"),
            ("123321", "in a row"),
            ("198407", "date"),
            ("071984", "date"),
            ("24121984", "date"),
            ("241284", "date"),
            ("122484", "date"),
            ("841224", "date"),
        ] {
            let refusal = check(pin).unwrap_err();
            assert!(refusal.fields()[0].detail.contains(why), "{pin}: {:?}", refusal.fields());
            assert_eq!(refusal.fields()[0].pointer, "/pin");
        }
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        for pin in [
            "",
            "1",
            "12345",
            "1234567890123",
            "12345a",
            "49 382",
            "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}",
        ] {
            assert!(check(pin).is_err(), "{pin:?}");
        }
    }

    #[test]
    fn most_pins_are_accepted() {
        for pin in ["493827", "905773", "730062", "4938271", "88442200119"] {
            assert!(check(pin).is_ok(), "{pin}");
        }
        let accepted = (0..1_000_000).filter(|n| check(&format!("{n:06}")).is_ok()).count();
        assert!((890_000..960_000).contains(&accepted), "{accepted}");
    }
}
