//! Setting up and removing an authenticator app, and the recovery codes that come with it.
//!
//! | app | enrol | confirm with a right code | disable |
//! |---|---|---|---|
//! | none | a secret, unconfirmed | refused | refused |
//! | unconfirmed | another secret in its place | confirmed | refused |
//! | unconfirmed for 15 minutes | another secret in its place | refused | refused |
//! | confirmed | refused | refused | none |
//!
//! With the first second factor of a person, whichever it is, recovery codes are shown and every other session ends; with
//! the last one the codes go.

use kernel::ids::{SessionId, UserId};
use kernel::time::SignedDuration;
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::second_factor::{self, wrong_code};
use super::{end_sessions, reauthenticate};
use crate::context::Identity;
use crate::domain::recovery;
use crate::domain::totp::Authenticator;
use crate::store::sessions::EndReason;
use crate::store::{challenges, passkeys, recovery_codes, sessions, totp, users};

/// How long an app may stay unconfirmed.
const UNCONFIRMED: SignedDuration = SignedDuration::from_mins(15);

fn conflict(code: &'static str, message: &'static str) -> Error {
    Error::new(Kind::Conflict, code, message)
}

fn not_enrolled() -> Error {
    conflict("totp_not_enrolled", "There is no authenticator app to confirm or remove. Enrol one first.")
}

/// Draws a secret for the person's app; it protects nothing until a code of it was seen.
pub async fn enrol(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    session: SessionId,
) -> Result<Authenticator> {
    reauthenticate::require(tx, session).await?;
    if totp::confirmed_at(tx, user).await?.is_some() {
        return Err(conflict("totp_enrolled", "There is an authenticator app already. Disable it first."));
    }
    let person = users::lock(tx, identity.vault(), user).await?.ok_or_else(|| Error::not_found("user"))?;
    let app = Authenticator::draw(tx.random())?;
    totp::put(tx, identity.vault(), user, &app).await?;
    tx.audit(Entry::new("enrol_totp", "user", user)).await?;
    let account = person.email.or(person.phone).unwrap_or(person.name);
    app.named(&account)
}

/// Confirms the app with its first code. With the first second factor come recovery codes.
pub async fn confirm(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    session: SessionId,
    code: &str,
) -> Result<Vec<Private>> {
    let now = tx.now();
    let stored = totp::lock(tx, identity.vault(), user).await?.ok_or_else(not_enrolled)?;
    if stored.confirmed_at.is_some() {
        return Err(conflict("totp_enrolled", "This authenticator app was confirmed already."));
    }
    if now.duration_since(stored.created_at) >= UNCONFIRMED {
        return Err(conflict("enrolment_expired", "This took too long. Enrol the app again."));
    }
    let step = stored.app.accept(code, now, stored.last_step).ok_or_else(|| wrong_code(Kind::Forbidden))?;
    let first = !second_factor::enrolled(tx, user).await?;
    totp::accept(tx, user, step).await?;
    sessions::authenticated(tx, session).await?;
    let codes = if first { first_factor(tx, identity, user, session).await? } else { Vec::new() };
    tx.audit(Entry::new("confirm_totp", "user", user)).await?;
    Ok(codes)
}

/// Removes the app. Where an organisation asks for a second factor, another one must be there.
pub async fn disable(tx: &mut Tx, user: UserId, session: SessionId) -> Result<()> {
    reauthenticate::require(tx, session).await?;
    if totp::confirmed_at(tx, user).await?.is_none() {
        return Err(not_enrolled());
    }
    totp::remove(tx, user).await?;
    second_factor::keep_what_is_asked_for(tx, user).await?;
    tx.audit(Entry::new("disable_totp", "user", user)).await
}

/// New recovery codes in place of the old ones.
pub async fn regenerate(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    session: SessionId,
) -> Result<Vec<Private>> {
    reauthenticate::require(tx, session).await?;
    // The lock of the user keeps two sets from being drawn at once.
    users::lock(tx, identity.vault(), user).await?.ok_or_else(|| Error::not_found("user"))?;
    if !second_factor::enrolled(tx, user).await? {
        return Err(conflict(
            "second_factor_missing",
            "Recovery codes come with a second factor. Set one up first.",
        ));
    }
    let codes = new_codes(tx, identity, user).await?;
    tx.audit(Entry::new("regenerate_recovery_codes", "user", user)).await?;
    Ok(codes)
}

/// What comes with a person's first second factor: recovery codes, and the end of every other session, which were opened
/// without it.
pub async fn first_factor(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    session: SessionId,
) -> Result<Vec<Private>> {
    let ended = end_sessions::end_all(tx, user, None, EndReason::SecondFactor, Some(session)).await?;
    end_sessions::known(tx, identity, &ended);
    new_codes(tx, identity, user).await
}

/// Draws a person's recovery codes, in place of older ones.
async fn new_codes(tx: &mut Tx, identity: &Identity, user: UserId) -> Result<Vec<Private>> {
    let codes = recovery::draw(tx.random());
    recovery_codes::replace(tx, identity.vault(), user, &codes).await?;
    Ok(codes)
}

/// Removes every second factor of somebody who has lost it; for the operator on the machine.
pub async fn remove_all(tx: &mut Tx, user: UserId) -> Result<()> {
    let had_app = totp::remove(tx, user).await?;
    let keys = passkeys::remove_all(tx, user).await?;
    let codes = recovery_codes::left(tx, user).await?;
    recovery_codes::remove(tx, user).await?;
    challenges::end_all(tx, user).await?;
    let detail = serde_json::json!({ "totp": had_app, "passkeys": keys, "recovery_codes": codes });
    tx.audit(Entry::new("user.reset_second_factor", "user", user).detail(detail)).await
}
