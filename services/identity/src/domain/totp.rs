//! Codes of an authenticator app (TOTP, RFC 6238): SHA-1, six digits, 30 seconds, one step of tolerance either way, as
//! every app expects.
//!
//! | code | decision |
//! |---|---|
//! | of the present step or a neighbour, newer than the last accepted one | accepted; its step is the last one now |
//! | of the last accepted step or an older one | refused: somebody watched it being typed |
//! | anything else | refused |

use kernel::random::Random;
use kernel::time::Timestamp;
use platform::vault::Private;
use platform::{Error, Result};
use totp_rs::{Builder, Secret, Totp};

/// The name that the app shows beside the account.
const ISSUER: &str = "DropMate";

/// An authenticator app's secret.
pub struct Authenticator(Totp);

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticator")
    }
}

impl Authenticator {
    /// Draws a secret of 160 bits (RFC 4226, section 4).
    pub fn draw(random: &Random) -> Result<Self> {
        Self::of(Secret::from(random.bytes::<20>().to_vec()), "account")
    }

    /// From its text in base 32.
    pub fn read(secret: &Private) -> Result<Self> {
        Self::of(Secret::try_from_base32(secret.reveal()).map_err(internal)?, "account")
    }

    /// With the account's name, as the app shows it.
    pub fn named(&self, account: &Private) -> Result<Self> {
        // A colon separates issuer and account in the URI; an address or number has none.
        Self::of(self.0.secret().clone(), &account.reveal().replace(':', ""))
    }

    fn of(secret: Secret, account: &str) -> Result<Self> {
        let builder = Builder::new().with_secret(secret).with_issuer(Some(ISSUER)).with_account_name(account);
        builder.build().map(Self).map_err(internal)
    }

    /// In base 32, for people who type it and for the store.
    pub fn secret(&self) -> Private {
        Private::from(self.0.secret().to_base32())
    }

    /// `otpauth://totp/...`, what the QR code says.
    pub fn uri(&self) -> Result<Private> {
        self.0.to_url().map(Private::from).map_err(internal)
    }

    /// The step of a code that may be accepted now; `None` when it is wrong or not newer than the last accepted one.
    pub fn accept(&self, code: &str, now: Timestamp, last_step: Option<i64>) -> Option<i64> {
        let step = self.0.check(code, u64::try_from(now.as_second()).ok()?)?;
        let step = i64::try_from(step).ok()?;
        (last_step.is_none_or(|last| step > last)).then_some(step)
    }

    /// The code of a moment, as the app would show it.
    pub fn code(&self, at: Timestamp) -> String {
        self.0.generate(u64::try_from(at.as_second()).unwrap_or_default()).to_string()
    }
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, appendix B, SHA-1; the table has eight digits, apps show the last six.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        let app = Authenticator::of(Secret::from(b"12345678901234567890".to_vec()), "ada").unwrap();
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(app.code(at(second)), code);
        }
    }

    #[test]
    fn the_table_of_the_module_holds() {
        let app = Authenticator::draw(&Random::seeded(7)).unwrap();
        let now = at(1_800_000_000);
        let step = 60_000_000;
        let code = |steps: i64| app.code(at(1_800_000_000 + steps * 30));
        for steps in -1..=1 {
            assert_eq!(app.accept(&code(steps), now, None), Some(step + steps), "{steps}");
        }
        for steps in [-3, -2, 2, 3] {
            assert_eq!(app.accept(&code(steps), now, None), None, "{steps}");
        }
        assert_eq!(app.accept(&code(0), now, Some(step)), None, "a code works once");
        assert_eq!(app.accept(&code(-1), now, Some(step)), None, "an older one not after a newer one");
        assert_eq!(app.accept(&code(1), now, Some(step)), Some(step + 1));
        for wrong in ["", "000000 ", "12345", "abcdef", "1234567"] {
            assert_eq!(app.accept(wrong, now, None), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_app_reads_everything_from_the_uri() {
        let app = Authenticator::draw(&Random::seeded(7)).unwrap();
        let named = app.named(&Private::from("ada@example.org")).unwrap();
        let uri = named.uri().unwrap();
        assert!(uri.reveal().starts_with("otpauth://totp/DropMate:ada%40example.org?"), "{}", uri.reveal());
        assert!(uri.reveal().contains(&format!("secret={}", app.secret().reveal())), "{}", uri.reveal());
        assert!(uri.reveal().contains("issuer=DropMate"));
        let again = Authenticator::read(&app.secret()).unwrap();
        assert_eq!(again.code(at(0)), app.code(at(0)));
    }
}
