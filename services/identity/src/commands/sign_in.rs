//! Signing in with an e-mail address and a password, or with a phone number and a PIN.
//!
//! Wrong address, wrong secret, disabled account and unknown person look the same and take the same time: one hash is
//! verified in each case. Guessing is limited per account (5 a minute) and per source (20 a minute); the limit refills,
//! so nobody can lock out a person for longer than a minute.

use std::time::Duration;

use kernel::ids::{OrgId, UserId};
use platform::audit::Entry;
use platform::db::Scope;
use platform::http::rate_limit::Policy;
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::tokens::{self, Client, Issued};
use crate::context::Identity;
use crate::domain::contact::{Email, Phone};
use crate::store::credentials::{self, CredentialKind};
use crate::store::users;

/// Guesses per account.
const PER_ACCOUNT: Policy = Policy {
    name: "account",
    quota: 5,
    window: Duration::from_mins(1),
};
/// Guesses per source address.
const PER_SOURCE: Policy = Policy {
    name: "source",
    quota: 20,
    window: Duration::from_mins(1),
};

/// With what somebody signs in.
#[derive(Debug, Clone)]
pub enum Login {
    /// E-mail address and password.
    Email(Email, Private),
    /// Phone number and PIN.
    Phone(Phone, Private),
}

/// Counts a guess of this account from this source. The account is named by a keyed hash, so that the limiter holds no
/// addresses.
pub async fn count_guess(identity: &Identity, account: &str, source: &str) -> Result<()> {
    for (policy, key) in [(&PER_SOURCE, source), (&PER_ACCOUNT, account)] {
        identity.limiter().check(policy, key).await?.enforce()?;
    }
    Ok(())
}

/// The one refusal for everything that can be wrong.
pub fn refused() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "wrong_credentials",
        "The address or the secret is not right.",
    )
}

/// Checks the credential and opens a session.
pub async fn sign_in(
    identity: &Identity,
    scope: &Scope,
    login: Login,
    org: Option<OrgId>,
    client: Client,
    source: &str,
) -> Result<Issued> {
    let (user, stored, secret, account) = look_up(identity, scope, login).await?;
    count_guess(identity, &account, source).await?;
    let fits = identity.hasher().verify(stored, secret).await?;
    let Some(user) = user.filter(|_| fits) else {
        return Err(refused());
    };
    let mut tx = identity.db().begin(scope).await?;
    let active = users::lock(&mut tx, identity.vault(), user)
        .await?
        .is_some_and(|user| user.active);
    if !active {
        return Err(refused());
    }
    let issued = tokens::open(&mut tx, identity, user, org, &client).await?;
    tx.audit(Entry::new("sign_in", "user", user)).await?;
    tx.commit().await?;
    Ok(issued)
}

type Found = (Option<UserId>, Option<String>, Private, String);

async fn look_up(identity: &Identity, scope: &Scope, login: Login) -> Result<Found> {
    let mut tx = identity.db().begin(scope).await?;
    let (user, kind, secret, account) = match login {
        Login::Email(email, password) => {
            let user = users::id_by_email(&mut tx, identity.vault(), &email).await?;
            (user, CredentialKind::Password, password, email.private().clone())
        }
        Login::Phone(phone, pin) => {
            let user = users::id_by_phone(&mut tx, identity.vault(), &phone).await?;
            (user, CredentialKind::Pin, pin, phone.private().clone())
        }
    };
    let stored = match user {
        Some(user) => credentials::hash(&mut tx, user, kind).await?,
        None => None,
    };
    let account = identity
        .vault()
        .installation(&mut tx)
        .await?
        .index("guesses", account.reveal());
    // The keys of a fresh installation may have been made just now.
    tx.commit().await?;
    Ok((user, stored, secret, base64_of(&account)))
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}
