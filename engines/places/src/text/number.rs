//! House numbers: `12`, `12a`, `12-14`, `3/5`.

/// A house number that can be compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HouseNumber {
    /// The first number in it.
    pub main: u32,
    /// The last number of a range, equal to `main` elsewhere.
    pub last: u32,
    /// One written form: lower case, without spaces, `12/a` and `12 A` are `12a`.
    pub text: String,
}

/// No house has a higher number; longer ones are postcodes or telephone numbers.
const HIGHEST: u32 = 99_999;

/// A wider range is a mistake in the data, not a building.
const WIDEST_RANGE: u32 = 200;

impl HouseNumber {
    /// Reads a written number. `None` when it does not begin with a digit other than 0, has more than eight letters and signs,
    /// or is too high.
    pub fn parse(written: &str) -> Option<Self> {
        let text = Self::normalise(written);
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        // Postcodes begin with 0, house numbers do not.
        let main = digits.parse().ok().filter(|main| *main <= HIGHEST && !digits.starts_with('0'))?;
        let rest = &text[digits.len()..];
        if rest.chars().count() > 8 {
            return None;
        }
        let last = rest.rsplit_once('-').and_then(|(_, last)| leading_number(last)).unwrap_or(main);
        let is_range = last > main && last - main <= WIDEST_RANGE;
        Some(Self { main, last: if is_range { last } else { main }, text })
    }

    fn normalise(written: &str) -> String {
        let words: Vec<String> = super::fold(written).split_whitespace().map(str::to_owned).collect();
        // Without its space "677 1/2" would be another number.
        let folded = words.iter().fold(String::new(), |text, word| {
            let apart = text.ends_with(|c: char| c.is_ascii_digit())
                && word.starts_with(|c: char| c.is_ascii_digit());
            format!("{text}{}{word}", if apart { "+" } else { "" })
        });
        let folded = folded.replace('\u{2013}', "-");
        let chars: Vec<char> = folded.chars().collect();
        let is_sign_before_letter = |i: usize| {
            matches!(chars[i], '/' | '-' | '.') && chars.get(i + 1).is_none_or(|next| next.is_alphabetic())
        };
        (0..chars.len()).filter(|&i| !is_sign_before_letter(i)).map(|i| chars[i]).collect()
    }

    /// Whether this number stands for several houses.
    pub fn is_range(&self) -> bool {
        self.last > self.main
    }

    /// Whether a house with number `main` is among the houses of this range: same side of the street, within the ends.
    pub fn contains(&self, main: u32) -> bool {
        let same_side = self.main % 2 == self.last % 2;
        (self.main..=self.last).contains(&main) && (!same_side || main % 2 == self.main % 2)
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::HouseNumber;

    fn text(written: &str) -> String {
        HouseNumber::parse(written).unwrap().text
    }

    #[test]
    fn one_number_has_one_form() {
        assert_eq!(text("12 A"), "12a");
        assert_eq!(text("12/a"), "12a");
        assert_eq!(text("12-A"), "12a");
        assert_eq!(text("3/5"), "3/5");
        assert_eq!(text("12 – 14"), "12-14");
        assert_eq!(HouseNumber::parse("677 1/2").unwrap().main, 677);
    }

    #[test]
    fn a_range_contains_the_houses_of_its_side() {
        let range = HouseNumber::parse("12-16").unwrap();
        assert!(range.is_range());
        assert!(range.contains(14));
        assert!(!range.contains(13));
        assert!(!range.contains(18));
        assert!(HouseNumber::parse("11-14").unwrap().contains(12));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(HouseNumber::parse("Mill"), None);
        assert_eq!(HouseNumber::parse(""), None);
        assert_eq!(HouseNumber::parse("4915112345678"), None);
        assert_eq!(HouseNumber::parse("3abcdefghijk"), None);
        assert_eq!(HouseNumber::parse("00130"), None);
    }

    #[test]
    fn a_range_of_thousands_is_no_range() {
        assert!(!HouseNumber::parse("1-9000").unwrap().is_range());
        assert!(!HouseNumber::parse("14-12").unwrap().is_range());
    }
}
