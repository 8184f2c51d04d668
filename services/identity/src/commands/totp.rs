//! Setting up and removing an authenticator app, and the recovery codes that come with it.
//!
//! | app | enrol | confirm with a right code | disable |
//! |---|---|---|---|
//! | none | a secret, unconfirmed | refused | refused |
//! | unconfirmed | another secret in its place | confirmed; recovery codes are shown; other sessions end | refused |
//! | unconfirmed for 15 minutes | another secret in its place | refused | refused |
//! | confirmed | refused | refused | none; recovery codes are gone |

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
use crate::store::{challenges, memberships, recovery_codes, sessions, totp, users};

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

/// Confirms the app with its first code; the answer is the recovery codes. Every other session ends: they were opened
/// without the second factor.
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
    totp::accept(tx, user, step).await?;
    let codes = new_codes(tx, identity, user).await?;
    sessions::authenticated(tx, session).await?;
    let ended = end_sessions::end_all(tx, user, None, EndReason::SecondFactor, Some(session)).await?;
    tx.audit(Entry::new("confirm_totp", "user", user)).await?;
    end_sessions::known(tx, identity, &ended);
    Ok(codes)
}

/// Removes the app. Where an organisation asks for a second factor, another one must be there.
pub async fn disable(tx: &mut Tx, user: UserId, session: SessionId) -> Result<()> {
    reauthenticate::require(tx, session).await?;
    if totp::confirmed_at(tx, user).await?.is_none() {
        return Err(not_enrolled());
    }
    totp::remove(tx, user).await?;
    keep_what_is_asked_for(tx, user).await?;
    tx.audit(Entry::new("disable_totp", "user", user)).await
}

/// After a factor was removed: refuses if it was the last one and somebody asks for one, else clears what hung on it.
async fn keep_what_is_asked_for(tx: &mut Tx, user: UserId) -> Result<()> {
    if second_factor::enrolled(tx, user).await? {
        return Ok(());
    }
    if !memberships::second_factor_required_by(tx, user).await?.is_empty() {
        return Err(conflict(
            "second_factor_required",
            "An organisation of yours asks for a second factor, and this is your only one.",
        ));
    }
    recovery_codes::remove(tx, user).await?;
    challenges::end_all(tx, user).await
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

async fn new_codes(tx: &mut Tx, identity: &Identity, user: UserId) -> Result<Vec<Private>> {
    let codes = recovery::draw(tx.random());
    recovery_codes::replace(tx, identity.vault(), user, &codes).await?;
    Ok(codes)
}

/// Removes every second factor of somebody who has lost it; for the operator on the machine.
pub async fn remove_all(tx: &mut Tx, user: UserId) -> Result<()> {
    let had_app = totp::remove(tx, user).await?;
    let codes = recovery_codes::left(tx, user).await?;
    recovery_codes::remove(tx, user).await?;
    challenges::end_all(tx, user).await?;
    let detail = serde_json::json!({ "totp": had_app, "recovery_codes": codes });
    tx.audit(Entry::new("user.reset_second_factor", "user", user).detail(detail)).await
}
