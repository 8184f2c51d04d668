//! A new password for somebody who knows the present one.

use kernel::ids::{SessionId, UserId};
use platform::audit::Entry;
use platform::db::Scope;
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::end_sessions;
use super::guessing::{Source, count_guess};
use crate::context::Identity;
use crate::store::credentials::{self, CredentialKind};
use crate::store::sessions::EndReason;

/// Longest password, in bytes: hashing must not be a way to keep the machine busy.
const MAX_PASSWORD: usize = 1024;

/// Refuses a password that is too short, too long or blank.
pub fn check_strength(identity: &Identity, password: &Private) -> Result<()> {
    let min = identity.settings().password_min_length;
    let text = password.reveal();
    if text.chars().count() < min || text.trim().is_empty() {
        return Err(Error::invalid_field("/password", format!("at least {min} characters")));
    }
    if text.len() > MAX_PASSWORD {
        return Err(Error::invalid_field("/password", format!("at most {MAX_PASSWORD} bytes")));
    }
    Ok(())
}

/// Sets a new password and ends every other session.
pub async fn change_password(
    identity: &Identity,
    scope: &Scope,
    user: UserId,
    session: SessionId,
    current: Private,
    new: Private,
    source: &Source,
) -> Result<()> {
    check_strength(identity, &new)?;
    count_guess(identity, &user.to_string(), source).await?;
    let mut tx = identity.db().read(scope).await?;
    let stored = credentials::hash(&mut tx, user, CredentialKind::Password).await?;
    tx.rollback().await?;
    if !identity.hasher().verify(stored, current).await? {
        return Err(Error::new(Kind::Forbidden, "wrong_password", "The present password is not right."));
    }
    let hash = identity.hasher().hash(new).await?;
    let mut tx = identity.db().begin(scope).await?;
    credentials::put(&mut tx, user, CredentialKind::Password, &hash).await?;
    let ended = end_sessions::end_all(&mut tx, user, None, EndReason::Password, Some(session)).await?;
    tx.audit(Entry::new("change_password", "user", user)).await?;
    end_sessions::known(&mut tx, identity, &ended);
    tx.commit().await
}
