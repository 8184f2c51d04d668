//! Codes that people read aloud and type: Crockford base 32 without I, L, O and U.
//!
//! - An order's **tracking code** is 12 random characters (60 bits): a secret of the customer's page.
//! - A package's **tracking number** is `P`, 12 random characters and a check character: the value of the 12 characters as a
//!   number, modulo 37, written with the alphabet and the five signs that Crockford adds for it (`*~$=U`). It finds every
//!   single wrong character and every swap of neighbours, because 37 is prime and divides neither 31 nor a power of 32.
//!   What people type is forgiven: case, hyphens, blanks, `O` for 0, `I` and `L` for 1.

use kernel::random::Random;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECKS: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
/// Characters that are drawn.
const DRAWN: usize = 12;

/// The code of an order's page.
pub fn code(random: &Random) -> String {
    random.code(DRAWN)
}

/// The number of a package.
pub fn package(random: &Random) -> String {
    with_check(&random.code(DRAWN))
}

fn with_check(drawn: &str) -> String {
    format!("P{drawn}{}", char::from(CHECKS[remainder(drawn)]))
}

/// The value modulo 37. Characters outside the alphabet count as 0; they are refused before.
fn remainder(drawn: &str) -> usize {
    drawn.bytes().fold(0, |sum, byte| {
        let value = ALPHABET.iter().position(|one| *one == byte).unwrap_or(0);
        (sum * 32 + value) % 37
    })
}

/// The tracking number that somebody typed; `None` if it is none or has a wrong character.
pub fn typed(text: &str) -> Option<String> {
    let plain: String =
        text.chars().filter(|one| !matches!(one, '-' | ' ')).map(|one| one.to_ascii_uppercase()).collect();
    let rest = plain.strip_prefix('P')?;
    let (drawn, check) = rest.split_at_checked(DRAWN)?;
    let drawn: String = drawn
        .chars()
        .map(|one| match one {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let known = drawn.bytes().all(|byte| ALPHABET.contains(&byte));
    let number = with_check(&drawn);
    (known && number[1 + DRAWN..] == *check).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_accepted_as_people_type_them() {
        let number = package(&Random::seeded(7));
        assert_eq!(number.len(), 14);
        assert_eq!(typed(&number), Some(number.clone()));
        let spoken = format!("{}-{} {}", &number[..5].to_lowercase(), &number[5..9], &number[9..]);
        assert_eq!(typed(&spoken), Some(number));
        for bad in ["", "P", "X0123456789AB0", "P0123456789AU0", "Pé123456789AB0", "P0123456789AB00"] {
            assert_eq!(typed(bad), None, "{bad}");
        }
    }

    #[test]
    fn letters_that_look_like_digits_are_read_as_digits() {
        let number = with_check("011000000000");
        assert_eq!(typed(&number.replacen("P011", "PoIl", 1)), Some(number));
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_found(seed: u64, place in 1..13usize, other in 0..32usize) {
            let number = package(&Random::seeded(seed));
            let mut wrong = number.clone().into_bytes();
            wrong[place] = ALPHABET[other];
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert_eq!(typed(&wrong).is_some(), wrong == number);
        }

        #[test]
        fn swapped_neighbours_are_found(seed: u64, place in 1..12usize) {
            let number = package(&Random::seeded(seed));
            let mut swapped = number.clone().into_bytes();
            swapped.swap(place, place + 1);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert_eq!(typed(&swapped).is_some(), swapped == number);
        }

        #[test]
        fn foreign_text_never_panics(text in ".{0,40}") {
            let _ = typed(&text);
        }
    }
}
