//! Passkeys: registering and removing them.
//!
//! A passkey is a second factor: with the first one, signing in with the password takes a second step, and recovery
//! codes are given out. Alone it is enough as well: the device has verified its owner (`super::passkey_sign_in`).

use kernel::ids::{PasskeyId, SessionId, UserId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::Private;
use platform::{Error, Kind, Result};
use serde_json::Value;
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential};

use super::reauthenticate;
use super::second_factor::{self, keep_what_is_asked_for};
use super::totp::first_factor;
use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};
use crate::entities::Passkey;
use crate::store::passkeys::{self, Ceremony, CeremonyPurpose};
use crate::store::{sessions, users};

/// Passkeys of one person.
const MAX: i64 = 20;

/// What a browser needs to ask a device, and the secret that names the ceremony.
#[derive(Debug)]
pub struct Begun {
    /// Names the ceremony when the device has answered.
    pub ceremony: Secret,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub options: Value,
}

/// The ceremony is over.
pub fn ceremony_expired(kind: Kind) -> Error {
    Error::new(kind, "ceremony_expired", "This took too long, or was done already. Begin again.")
}

/// Begins to register a passkey.
pub async fn begin(tx: &mut Tx, identity: &Identity, user: UserId, session: SessionId) -> Result<Begun> {
    let webauthn = identity.relying_party().get()?;
    reauthenticate::require(tx, session).await?;
    let person = users::lock(tx, identity.vault(), user).await?.ok_or_else(|| Error::not_found("user"))?;
    if passkeys::count(tx, user).await? >= MAX {
        return Err(Error::new(
            Kind::Conflict,
            "too_many_passkeys",
            "There are 20 passkeys already. Remove one that you no longer use.",
        ));
    }
    let known = passkeys::keys(tx, user, true).await?.iter().map(|key| key.cred_id().clone()).collect();
    let account = person.email.or(person.phone).unwrap_or_else(|| person.name.clone());
    let (options, state) = webauthn
        .start_passkey_registration(user.uuid(), account.reveal(), person.name.reveal(), Some(known))
        .map_err(|error| Error::internal(error.to_string()))?;
    let mut options = serde_json::to_value(options.public_key)?;
    // Signing in without typing a name needs a key that the device finds by itself.
    options["authenticatorSelection"]["residentKey"] = "required".into();
    options["authenticatorSelection"]["requireResidentKey"] = true.into();
    let secret = Secret::draw(Purpose::Ceremony, tx.random());
    let ceremony = Ceremony { user: Some(user), challenge: None, state };
    passkeys::begin(tx, CeremonyPurpose::Register, &secret, &ceremony).await?;
    tx.audit(Entry::new("begin_passkey", "user", user)).await?;
    Ok(Begun { ceremony: secret, options })
}

/// Registers the passkey that the device made. With the first second factor come recovery codes, and every other
/// session ends.
pub async fn register(
    tx: &mut Tx,
    identity: &Identity,
    (user, session): (UserId, SessionId),
    ceremony: &str,
    name: Private,
    credential: &Value,
) -> Result<(Passkey, Vec<Private>)> {
    let webauthn = identity.relying_party().get()?;
    let expired = || ceremony_expired(Kind::Conflict);
    let secret = Secret::presented(Purpose::Ceremony, ceremony).ok_or_else(expired)?;
    let begun: Ceremony<PasskeyRegistration> =
        passkeys::take(tx, CeremonyPurpose::Register, &secret).await?.ok_or_else(expired)?;
    if begun.user != Some(user) {
        return Err(expired());
    }
    let answer: RegisterPublicKeyCredential = serde_json::from_value(credential.clone())
        .map_err(|_unreadable| Error::invalid_field("/credential", "not the answer of a device"))?;
    let key = webauthn.finish_passkey_registration(&answer, &begun.state).map_err(|error| {
        Error::new(Kind::Conflict, "passkey_refused", "The device's answer does not fit what was asked.")
            .with_source(error)
    })?;
    let first = !second_factor::enrolled(tx, user).await?;
    let passkey = passkeys::insert(tx, identity.vault(), user, name, &key).await?;
    sessions::authenticated(tx, session).await?;
    let codes = if first { first_factor(tx, identity, user, session).await? } else { Vec::new() };
    tx.audit(Entry::new("register_passkey", "passkey", passkey.id)).await?;
    Ok((passkey, codes))
}

/// Removes a passkey. Where an organisation asks for a second factor, another one must be there.
pub async fn remove(tx: &mut Tx, user: UserId, session: SessionId, id: PasskeyId) -> Result<()> {
    reauthenticate::require(tx, session).await?;
    if !passkeys::remove(tx, user, id).await? {
        return Err(Error::not_found("passkey"));
    }
    keep_what_is_asked_for(tx, user).await?;
    tx.audit(Entry::new("remove_passkey", "passkey", id)).await
}
