//! Signing in with a passkey: without typing anything, or as the second step after a password.
//!
//! | answer of the device | decision |
//! |---|---|
//! | fits the ceremony, a known key, its counter went up or stays at zero | a session |
//! | the counter did not go up although it counts | refused, and the passkey is suspended: there may be a copy |
//! | of another origin, challenge, name or key; without user verification | refused |
//! | to a ceremony that was used, has expired or never was | refused |
//!
//! A ceremony is used up before the answer is looked at: nobody gets two tries at one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::ids::{OrgId, PasskeyId, UserId};
use platform::audit::Entry;
use platform::db::{Scope, Tx};
use platform::{Error, Kind, Result};
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, PublicKeyCredential, Webauthn, WebauthnError,
};

use super::guessing::{Source, count_source};
use super::passkeys::{Begun, ceremony_expired};
use super::sign_in::challenge_expired;
use super::tokens::{self, Client, Issued};
use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};
use crate::store::challenges;
use crate::store::passkeys::{self, Ceremony, CeremonyPurpose, Presented};
use crate::store::users;

fn refused() -> Error {
    Error::new(Kind::Unauthenticated, "passkey_refused", "This passkey does not open an account here.")
}

/// Begins. With the challenge of a first step it is the second one, for that person's passkeys only.
pub async fn begin(
    identity: &Identity,
    scope: &Scope,
    challenge: Option<&str>,
    source: &Source,
) -> Result<Begun> {
    count_source(identity, source).await?;
    let webauthn = identity.relying_party().get()?;
    let mut tx = identity.db().begin(scope).await?;
    let (user, challenge) = match challenge {
        Some(text) => {
            let secret = Secret::presented(Purpose::Challenge, text).ok_or_else(challenge_expired)?;
            let found = challenges::peek(&mut tx, &secret).await?.ok_or_else(challenge_expired)?;
            (Some(found.user), Some(secret.hash()))
        }
        None => (None, None),
    };
    let (options, state) = options(&mut tx, webauthn, user).await?;
    let secret = Secret::draw(Purpose::Ceremony, tx.random());
    passkeys::begin(&mut tx, CeremonyPurpose::SignIn, &secret, &Ceremony { user, challenge, state }).await?;
    tx.commit().await?;
    Ok(Begun { ceremony: secret, options })
}

/// Asks for any passkey of ours, or for one of this person's. What is expected is the same: the key is read again, with
/// its newest counter, when the answer comes.
async fn options(
    tx: &mut Tx,
    webauthn: &Webauthn,
    user: Option<UserId>,
) -> Result<(Value, DiscoverableAuthentication)> {
    let begun = webauthn.start_discoverable_authentication();
    let (options, state) = begun.map_err(|error| Error::internal(error.to_string()))?;
    let mut options = serde_json::to_value(options.public_key)?;
    if let Some(user) = user {
        let keys = passkeys::keys(tx, user, false).await?;
        if keys.is_empty() {
            return Err(Error::new(Kind::Conflict, "no_passkey", "This account has no passkey. Use a code."));
        }
        let allowed = keys
            .iter()
            .map(|key| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(key.cred_id()) }));
        options["allowCredentials"] = allowed.collect();
    }
    Ok((options, state))
}

/// What the client sends when the device has answered.
#[derive(Debug)]
pub struct Answer {
    /// Names the ceremony.
    pub ceremony: String,
    /// `AuthenticationResponseJSON`.
    pub credential: Value,
    /// Which organisation to enter.
    pub org: Option<OrgId>,
}

/// Checks the device's answer and opens a session.
pub async fn finish(
    identity: &Identity,
    scope: &Scope,
    answer: Answer,
    client: Client,
    source: &Source,
) -> Result<Issued> {
    count_source(identity, source).await?;
    let webauthn = identity.relying_party().get()?;
    let credential: PublicKeyCredential = serde_json::from_value(answer.credential)
        .map_err(|_unreadable| Error::invalid_field("/credential", "not the answer of a device"))?;
    let begun = take(identity, scope, &answer.ceremony).await?;
    let challenge = begun.challenge.clone();
    let mut tx = identity.db().begin(scope).await?;
    let Some(mut presented) = passkeys::lock(&mut tx, credential.get_credential_id()).await? else {
        return Err(refused());
    };
    if begun.user.is_some_and(|user| user != presented.user) {
        return Err(refused());
    }
    let result = match verify(webauthn, &credential, begun, &presented) {
        Ok(result) => result,
        Err(WebauthnError::CredentialPossibleCompromise) => return suspend(tx, presented.id).await,
        Err(error) => return Err(refused().with_source(error)),
    };
    let user = presented.user;
    presented.key.update_credential(&result);
    passkeys::used(&mut tx, presented.id, &presented.key).await?;
    let active = users::lock(&mut tx, identity.vault(), user).await?.is_some_and(|user| user.active);
    if !active {
        return Err(refused());
    }
    let mut org = answer.org;
    if let Some(hash) = challenge {
        let first = challenges::take_hash(&mut tx, &hash).await?;
        let first = first.filter(|first| first.user == user).ok_or_else(challenge_expired)?;
        org = org.or(first.org);
    }
    let issued = tokens::open(&mut tx, identity, user, org, &client).await?;
    tx.audit(Entry::new("sign_in", "user", user).detail(json!({ "passkey": presented.id }))).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Uses the ceremony up, whatever comes of it.
async fn take(
    identity: &Identity,
    scope: &Scope,
    ceremony: &str,
) -> Result<Ceremony<DiscoverableAuthentication>> {
    let expired = || ceremony_expired(Kind::Unauthenticated);
    let secret = Secret::presented(Purpose::Ceremony, ceremony).ok_or_else(expired)?;
    let mut tx = identity.db().begin(scope).await?;
    let begun = passkeys::take(&mut tx, CeremonyPurpose::SignIn, &secret).await?.ok_or_else(expired)?;
    tx.commit().await?;
    Ok(begun)
}

/// Origin, challenge, name, user verification, signature and counter, against the stored key.
fn verify(
    webauthn: &Webauthn,
    credential: &PublicKeyCredential,
    begun: Ceremony<DiscoverableAuthentication>,
    presented: &Presented,
) -> Result<AuthenticationResult, WebauthnError> {
    if begun.user.is_none() {
        // Nobody said who it is but the device: it has to name the owner of the key.
        let (user, _) = webauthn.identify_discoverable_authentication(credential)?;
        if user != presented.user.uuid() {
            return Err(WebauthnError::InvalidUserUniqueId);
        }
    }
    webauthn.finish_discoverable_authentication_v2(credential, begun.state, &presented.key)
}

async fn suspend(mut tx: Tx, id: PasskeyId) -> Result<Issued> {
    passkeys::suspend(&mut tx, id).await?;
    tx.audit(Entry::new("suspend_passkey", "passkey", id)).await?;
    tx.commit().await?;
    tracing::warn!(passkey_id = %id, "the counter of a passkey went back: there may be a copy, it was suspended");
    Err(refused())
}
