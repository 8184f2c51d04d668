//! A new password for somebody who knows the present one.

use kernel::ids::{SessionId, UserId};
use platform::audit::Entry;
use platform::db::Scope;
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::guessing::{Source, count_guess};
use super::{end_sessions, passwords};
use crate::context::Identity;
use crate::store::credentials::{self, CredentialKind};
use crate::store::sessions::EndReason;

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
    passwords::check_length(identity, &new)?;
    count_guess(identity, &user.to_string(), source).await?;
    let mut tx = identity.db().read(scope).await?;
    let stored = credentials::hash(&mut tx, user, CredentialKind::Password).await?;
    let about = passwords::about(&mut tx, identity, user).await?;
    tx.rollback().await?;
    if !identity.hasher().verify(stored, current).await? {
        return Err(Error::new(Kind::Forbidden, "wrong_password", "The present password is not right."));
    }
    passwords::check_strength(identity, &new, about).await?;
    let hash = identity.hasher().hash(new).await?;
    let mut tx = identity.db().begin(scope).await?;
    credentials::put(&mut tx, user, CredentialKind::Password, &hash).await?;
    let ended = end_sessions::end_all(&mut tx, user, None, EndReason::Password, Some(session)).await?;
    tx.audit(Entry::new("change_password", "user", user)).await?;
    end_sessions::known(&mut tx, identity, &ended);
    tx.commit().await
}
