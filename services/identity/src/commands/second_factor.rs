//! The second factor of a person: whether there is one, whether a code is right, and who asks for it.

use std::collections::BTreeSet;

use kernel::ids::{OrgId, UserId};
use platform::auth::Role;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use crate::context::Identity;
use crate::domain::recovery;
use crate::permissions::ENROL;
use crate::store::{memberships, recovery_codes, totp};

/// What a person typed as a code: of the app, or one of the recovery codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// Six digits.
    Totp(String),
    /// In the form in which they are compared.
    Recovery(String),
}

impl Code {
    /// Reads what was typed; the two kinds cannot be confused. `None` when it is neither.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Totp(digits));
        }
        recovery::normalised(text).map(Self::Recovery)
    }

    /// Its kind, for the audit trail.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::Recovery(_) => "recovery_code",
        }
    }
}

/// Whether the person has a second factor.
pub async fn enrolled(tx: &mut Tx, user: UserId) -> Result<bool> {
    Ok(totp::confirmed_at(tx, user).await?.is_some())
}

/// With what the second step can be done, in the words of the API.
pub async fn methods(tx: &mut Tx, user: UserId) -> Result<Vec<&'static str>> {
    let mut methods = Vec::new();
    if totp::confirmed_at(tx, user).await?.is_some() {
        methods.push("totp");
    }
    if recovery_codes::left(tx, user).await? > 0 {
        methods.push("recovery_code");
    }
    Ok(methods)
}

/// Whether the code is right; a right one is used up with this transaction.
pub async fn verify(tx: &mut Tx, identity: &Identity, user: UserId, code: &Code) -> Result<bool> {
    match code {
        Code::Recovery(code) => recovery_codes::take(tx, identity.vault(), user, code).await,
        Code::Totp(code) => {
            let stored = totp::lock(tx, identity.vault(), user).await?;
            let Some(stored) = stored.filter(|stored| stored.confirmed_at.is_some()) else {
                return Ok(false);
            };
            let Some(step) = stored.app.accept(code, tx.now(), stored.last_step) else { return Ok(false) };
            totp::accept(tx, user, step).await?;
            Ok(true)
        }
    }
}

/// What a session of this person in this role may do: everything, or (an owner or manager without the second factor
/// that the organisation asks for) only set one up.
pub async fn limits(tx: &mut Tx, user: UserId, org: Option<OrgId>, role: Role) -> Result<BTreeSet<String>> {
    let Some(org) = org.filter(|_| matches!(role, Role::Owner | Role::Manager)) else {
        return Ok(BTreeSet::new());
    };
    let asked = memberships::second_factor_required_by(tx, user).await?.contains(&org);
    if !asked || enrolled(tx, user).await? {
        return Ok(BTreeSet::new());
    }
    Ok(BTreeSet::from([ENROL.to_owned()]))
}

/// The code is not right, was used before, or belongs to another time.
pub fn wrong_code(kind: Kind) -> Error {
    Error::new(kind, "wrong_code", "The code is not right, or it was used before.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_the_app_and_a_recovery_code_are_told_apart() {
        assert_eq!(Code::read(" 123 456 "), Some(Code::Totp("123456".to_owned())));
        assert_eq!(Code::read("ABCDE-12345"), Some(Code::Recovery("abcde12345".to_owned())));
        assert_eq!(Code::read("12345-67890"), Some(Code::Recovery("1234567890".to_owned())));
        for neither in ["", "12345", "1234567", "abcdef", "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}"] {
            assert_eq!(Code::read(neither), None, "{neither:?}");
        }
    }
}
