//! Signing in with an e-mail address and a password, or with a phone number and a PIN.
//!
//! Wrong address, wrong secret, disabled account and unknown person look the same and take the same time: one hash is
//! verified in each case. Guesses are counted (`super::guessing`).

use kernel::ids::{OrgId, UserId};
use platform::audit::Entry;
use platform::db::Scope;
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::guessing::{Source, account_name, count_guess};
use super::tokens::{self, Client, Issued};
use crate::context::Identity;
use crate::domain::contact::{Email, Phone};
use crate::store::credentials::{self, CredentialKind};
use crate::store::users;

/// With what somebody signs in.
#[derive(Debug, Clone)]
pub enum Login {
    /// E-mail address and password.
    Email(Email, Private),
    /// Phone number and PIN.
    Phone(Phone, Private),
}

/// The one refusal for everything that can be wrong.
pub fn refused() -> Error {
    Error::new(Kind::Unauthenticated, "wrong_credentials", "The address or the secret is not right.")
}

/// Checks the credential and opens a session.
pub async fn sign_in(
    identity: &Identity,
    scope: &Scope,
    login: Login,
    org: Option<OrgId>,
    client: Client,
    source: &Source,
) -> Result<Issued> {
    let (user, stored, secret, account) = look_up(identity, scope, login).await?;
    count_guess(identity, &account, source).await?;
    let fits = identity.hasher().verify(stored, secret).await?;
    let Some(user) = user.filter(|_| fits) else { return Err(refused()) };
    let mut tx = identity.db().begin(scope).await?;
    let active = users::lock(&mut tx, identity.vault(), user).await?.is_some_and(|user| user.active);
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
    let account = account_name(&mut tx, identity, &account).await?;
    // The keys of a fresh installation may have been made just now.
    tx.commit().await?;
    Ok((user, stored, secret, account))
}
