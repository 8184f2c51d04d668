//! Which passwords are accepted: long enough, and not among the first that somebody would try.
//!
//! Length alone says little; `zxcvbn` estimates how many tries a password withstands, knowing common passwords, names,
//! words, dates, keyboard patterns, and what belongs to the person (name, address, organisation). Accepted is what needs
//! at least 10^8 tries (score 3 of 4). No rules about classes of characters (NIST SP 800-63B, section 3.1.1.2).

use platform::vault::Private;
use platform::{Error, Result};
use zxcvbn::Score;

/// Longest password, in bytes: hashing must not be a way to keep the machine busy.
pub const MAX_BYTES: usize = 1024;

/// Refuses a password that is too short, too long or blank. Costs nothing.
pub fn check_length(password: &Private, min: usize) -> Result<()> {
    let text = password.reveal();
    if text.chars().count() < min || text.trim().is_empty() {
        return Err(Error::invalid_field("/password", format!("at least {min} characters")));
    }
    if text.len() > MAX_BYTES {
        return Err(Error::invalid_field("/password", format!("at most {MAX_BYTES} bytes")));
    }
    Ok(())
}

/// Refuses a password that is easy to guess for somebody who knows these texts about the person, and says why. Takes
/// milliseconds of a core.
pub fn check_strength(password: &Private, about: &[Private]) -> Result<()> {
    let known = guessable(about);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let estimate = zxcvbn::zxcvbn(password.reveal(), &known);
    if estimate.score() >= Score::Three {
        return Ok(());
    }
    let mut words = vec!["Too easy to guess.".to_owned()];
    if let Some(feedback) = estimate.feedback() {
        words.extend(feedback.warning().map(|warning| warning.to_string()));
        words.extend(feedback.suggestions().iter().map(ToString::to_string));
    }
    Err(Error::invalid_field("/password", words.join(" ")))
}

/// The texts, their words, and the parts of an address: each is as good as a word of the dictionary.
fn guessable(about: &[Private]) -> Vec<String> {
    let mut known = vec!["dropmate".to_owned()];
    for text in about {
        let text = text.reveal().to_lowercase();
        known.extend(
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).map(str::to_owned),
        );
        known.push(text.split_whitespace().collect());
        known.push(text);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> Vec<Private> {
        vec![
            Private::from("Odile Zwitscherling"),
            Private::from("odile.zwitscherling@bakery.example"),
            Private::from("Brezelparadies Hinterwald"),
        ]
    }

    #[test]
    fn words_that_nobody_expects_together_are_accepted() {
        for good in ["correct horse battery", "staple horse battery", "kuchen-tanzt-leise-7", "x7Kq9-Lm2Rt8"]
        {
            assert!(check_strength(&good.into(), &about()).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_tried_first_is_refused_with_a_reason() {
        for bad in
            ["1234567890", "password123", "qwertyuiop", "aaaaaaaaaaaaaaaa", "abcabcabcabc", "letmein2024"]
        {
            let refusal = check_strength(&bad.into(), &[]).unwrap_err();
            let field = &refusal.fields()[0];
            assert_eq!(field.pointer, "/password");
            assert!(field.detail.len() > 40, "{bad}: says no more than {:?}", field.detail);
        }
    }

    #[test]
    fn what_belongs_to_the_person_is_as_good_as_known() {
        for own in
            ["zwitscherling", "odilezwitscherling", "brezelparadies", "Brezelparadies1", "zwitscherling7"]
        {
            assert!(check_strength(&own.into(), &about()).is_err(), "{own}");
        }
        for own in ["zwitscherling", "brezelparadies"] {
            assert!(check_strength(&own.into(), &[]).is_ok(), "the control: {own} is no known word");
        }
    }

    #[test]
    fn length_is_counted_in_characters_and_bounded_in_bytes() {
        assert!(check_length(&"äöüäöüäöü".into(), 10).is_err());
        assert!(check_length(&"äöüäöüäöüä".into(), 10).is_ok());
        assert!(check_length(&"          ".into(), 10).is_err());
        assert!(check_length(&"a".repeat(1024).into(), 10).is_ok());
        assert!(check_length(&"a".repeat(1025).into(), 10).is_err());
        assert!(check_length(&"ä".repeat(513).into(), 10).is_err());
    }

    #[test]
    fn the_longest_password_takes_no_long_time_to_judge() {
        let long: String = (0..1024).map(|n| char::from(b'a' + u8::try_from(n * 7 % 26).unwrap())).collect();
        assert!(check_strength(&long.into(), &about()).is_ok());
    }
}
