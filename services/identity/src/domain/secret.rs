//! Secrets that are shown once and stored as a hash: refresh tokens, links, challenges, API keys.
//!
//! 160 random bits need no slow hash: SHA-256 of the text is enough, and lets a row be found by it.

use kernel::random::Random;
use sha2::{Digest, Sha256};

/// Random characters behind the prefix: 32 x 5 bits.
const LEN: usize = 32;

/// What a secret is for; the prefix lets scanners and people recognise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Refresh token.
    Refresh,
    /// Link that works once.
    Link,
    /// Invitation.
    Invitation,
    /// Between the two steps of signing in.
    Challenge,
    /// API key of an integration.
    ApiKey,
    /// Key of a device that may only report.
    DeviceKey,
}

impl Purpose {
    /// The text before the random part.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "dmr_",
            Self::Link => "dml_",
            Self::Invitation => "dmi_",
            Self::Challenge => "dmc_",
            Self::ApiKey => "dmk_",
            Self::DeviceKey => "dmd_",
        }
    }
}

/// A secret in clear; it leaves the program once.
#[derive(Clone)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Draws one.
    pub fn draw(purpose: Purpose, random: &Random) -> Self {
        Self(format!("{}{}", purpose.prefix(), random.code(LEN).to_lowercase()))
    }

    /// Reads one that somebody presented; `None` when it cannot be of this purpose.
    pub fn presented(purpose: Purpose, text: &str) -> Option<Self> {
        let random = text.strip_prefix(purpose.prefix())?;
        let plausible = random.len() == LEN && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plausible.then(|| Self(text.to_owned()))
    }

    /// The text to hand out.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }

    /// Prefix and first four characters, so that people recognise a key in a list.
    pub fn hint(&self) -> String {
        self.0.chars().take(8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_only_for_its_purpose() {
        let secret = Secret::draw(Purpose::ApiKey, &Random::seeded(1));
        assert!(Secret::presented(Purpose::ApiKey, secret.text()).is_some());
        assert!(Secret::presented(Purpose::DeviceKey, secret.text()).is_none());
        assert!(Secret::presented(Purpose::ApiKey, "dmk_short").is_none());
        assert_eq!(secret.hint().len(), 8);
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
