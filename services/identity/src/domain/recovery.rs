//! Recovery codes: for who has lost the phone. Ten of them, each works once, shown once.

use kernel::random::Random;
use platform::vault::Private;

/// How many are given out at a time.
pub const COUNT: usize = 10;
/// Characters of a code: 10 x 5 bits, which nobody guesses at the pace that guesses are counted at.
const LEN: usize = 10;

/// Draws a set, written `abcde-fghjk`.
pub fn draw(random: &Random) -> Vec<Private> {
    let code = || {
        let text = random.code(LEN).to_lowercase();
        let (left, right) = text.split_at(LEN / 2);
        Private::from(format!("{left}-{right}"))
    };
    (0..COUNT).map(|_| code()).collect()
}

/// The one form in which codes are compared: without hyphens and spaces, lower case, with the letters that people read
/// for others in Crockford's alphabet. `None` when it cannot be one.
pub fn normalised(text: &str) -> Option<String> {
    let letters = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let code: String = letters
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    (code.len() == LEN && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let codes = draw(&Random::seeded(1));
        assert_eq!(codes.len(), COUNT);
        for code in &codes {
            let text = code.reveal();
            let plain = normalised(text).unwrap();
            assert_eq!(normalised(&text.to_uppercase()), Some(plain.clone()));
            assert_eq!(normalised(&format!(" {} ", text.replace('-', " "))), Some(plain));
        }
        assert_eq!(normalised("OIL00-00000"), normalised("01100-00000"));
        for wrong in ["", "123456", "abcde-fghj", "abcde-fghjkm", "abcde-fgh\u{e4}"] {
            assert_eq!(normalised(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn no_code_is_given_out_twice() {
        let random = Random::seeded(2);
        let mut codes: Vec<String> =
            (0..200).flat_map(|_| draw(&random)).map(|code| code.reveal().to_owned()).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
