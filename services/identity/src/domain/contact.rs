//! E-mail addresses and phone numbers in the one form in which they are compared.

use platform::vault::Private;
use platform::{Error, Result};

/// Longest e-mail address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const MAX_EMAIL: usize = 254;

/// An e-mail address: trimmed, lower case, with exactly one `@` and a domain with a point.
///
/// Lower-casing the local part is not what RFC 5321 says, but what every provider of note does; two accounts that
/// differ only in case would be a trap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(Private);

impl Email {
    /// Reads an address as people type it.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || Error::invalid_field("/email", "not an e-mail address");
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
        let clean =
            |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
        let dotted = domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
        if text.len() > MAX_EMAIL || !clean(local) || !clean(domain) || local.contains('@') || !dotted {
            return Err(refused());
        }
        Ok(Self(Private::from(text)))
    }

    /// The normalised address.
    pub fn private(&self) -> &Private {
        &self.0
    }
}

/// A phone number in E.164 (`+4930123456`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(Private);

impl Phone {
    /// Reads a number with its country code (`+49 30 123456`, `0049...` is not accepted: the prefix differs by country).
    pub fn parse(text: &str) -> Result<Self> {
        let number = phonenumber::parse(None, text).map_err(|error| {
            Error::invalid_field("/phone", "not a phone number with its country code").with_source(error)
        })?;
        if !phonenumber::is_valid(&number) {
            return Err(Error::invalid_field("/phone", "no such phone number"));
        }
        Ok(Self(Private::from(number.format().mode(phonenumber::Mode::E164).to_string())))
    }

    /// The number in E.164.
    pub fn private(&self) -> &Private {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_one_form() {
        assert_eq!(Email::parse(" Ada@Example.ORG ").unwrap().private().reveal(), "ada@example.org");
        for bad in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@example",
            "a b@example.org",
            "a@b@example.org",
            "ada@.org",
            "ada@example.org.",
            "ada\n@example.org",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Email::parse(&format!("{}@example.org", "a".repeat(250))).is_err());
    }

    #[test]
    fn numbers_are_kept_in_e164() {
        assert_eq!(Phone::parse("+49 (30) 901820").unwrap().private().reveal(), "+4930901820");
        assert_eq!(Phone::parse("+86 138 0013 8000").unwrap().private().reveal(), "+8613800138000");
        for bad in ["", "030 901820", "+49 1", "hello", "+999 123456789"] {
            assert!(Phone::parse(bad).is_err(), "{bad:?}");
        }
    }
}
