//! Signing in with an e-mail address and a password, or with a phone number and a PIN; then, for who has one, with a
//! second factor.
//!
//! Wrong address, wrong secret, disabled account and unknown person look the same and take the same time: one hash is
//! verified in each case. Guesses are counted (`super::guessing`). Who passes the first step and has a second factor
//! gets no session but a challenge: a secret for the second step only, for five minutes (`docs/adr/0025`).

use kernel::ids::{OrgId, UserId};
use platform::audit::Entry;
use platform::db::{Scope, Tx};
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::guessing::{Source, account_name, count_guess, count_second_factor, count_source};
use super::second_factor::{self, Code, wrong_code};
use super::tokens::{self, Client, Issued};
use crate::context::Identity;
use crate::domain::contact::{Email, Phone};
use crate::domain::secret::{Purpose, Secret};
use crate::store::challenges::{self, Challenge};
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

/// A second factor is needed as well.
pub fn second_factor_required() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "second_factor_required",
        "That was right. A code of your authenticator app, or a recovery code, is needed as well.",
    )
}

fn challenge_expired() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "challenge_expired",
        "This took too long, or was done already. Sign in again.",
    )
}

/// Checks the credential and opens a session, or asks for the second factor.
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
    if second_factor::enrolled(&mut tx, user).await? {
        return Err(ask(tx, user, org).await?);
    }
    let issued = tokens::open(&mut tx, identity, user, org, &client).await?;
    tx.audit(Entry::new("sign_in", "user", user)).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Stores a challenge and commits; the refusal that carries it.
async fn ask(mut tx: Tx, user: UserId, org: Option<OrgId>) -> Result<Error> {
    let secret = Secret::draw(Purpose::Challenge, tx.random());
    challenges::insert(&mut tx, &secret, user, org).await?;
    let methods = second_factor::methods(&mut tx, user).await?;
    tx.audit(Entry::new("sign_in", "user", user).detail(serde_json::json!({ "step": 1 }))).await?;
    tx.commit().await?;
    Ok(second_factor_required()
        .with_extension("challenge", secret.text())
        .with_extension("methods", methods)
        .with_extension("expires_in", challenges::LIFETIME.as_secs()))
}

/// The second step: the challenge and a code give the session.
pub async fn second_step(
    identity: &Identity,
    scope: &Scope,
    challenge: &str,
    code: Option<Code>,
    client: Client,
    source: &Source,
) -> Result<Issued> {
    let Some(secret) = Secret::presented(Purpose::Challenge, challenge) else {
        count_source(identity, source).await?;
        return Err(challenge_expired());
    };
    let Some(Challenge { user, .. }) = look_at(identity, scope, &secret).await? else {
        count_source(identity, source).await?;
        return Err(challenge_expired());
    };
    count_second_factor(identity, user, source).await?;
    let code = code.ok_or_else(|| wrong_code(Kind::Unauthenticated))?;
    let mut tx = identity.db().begin(scope).await?;
    let active = users::lock(&mut tx, identity.vault(), user).await?.is_some_and(|user| user.active);
    let Some(challenge) = challenges::take(&mut tx, &secret).await?.filter(|_| active) else {
        return Err(challenge_expired());
    };
    // A wrong code rolls back what was taken: the challenge lives on, the guess is counted.
    if !second_factor::verify(&mut tx, identity, user, &code).await? {
        return Err(wrong_code(Kind::Unauthenticated));
    }
    let issued = tokens::open(&mut tx, identity, user, challenge.org, &client).await?;
    let detail = serde_json::json!({ "second_factor": code.kind() });
    tx.audit(Entry::new("sign_in", "user", user).detail(detail)).await?;
    tx.commit().await?;
    Ok(issued)
}

async fn look_at(identity: &Identity, scope: &Scope, secret: &Secret) -> Result<Option<Challenge>> {
    let mut tx = identity.db().read(scope).await?;
    challenges::peek(&mut tx, secret).await
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
