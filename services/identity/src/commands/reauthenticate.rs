//! Step-up: what would let a thief of an access token stay (a second factor of their own, or none) needs a person who
//! has proved within the last ten minutes who they are, at sign-in or here.

use kernel::ids::{SessionId, UserId};
use kernel::time::SignedDuration;
use platform::audit::Entry;
use platform::db::{Scope, Tx};
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::guessing::{Source, count_guess, count_second_factor};
use super::second_factor::{self, Code, wrong_code};
use crate::context::Identity;
use crate::store::credentials::{self, CredentialKind};
use crate::store::sessions;

/// How long a proof is recent.
pub const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// With what a person proves it.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The present password.
    Password(Private),
    /// The present PIN.
    Pin(Private),
    /// A code of the second factor.
    Code(Code),
}

/// Refuses where the session's last proof is older than [`RECENT`].
pub async fn require(tx: &mut Tx, session: SessionId) -> Result<()> {
    let now = tx.now();
    let session = sessions::lock(tx, session).await?.ok_or_else(Error::unauthenticated)?;
    if now.duration_since(session.authenticated_at) < RECENT {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        "reauthentication_required",
        "Prove first that it is you: with your password, your PIN or a code (POST /api/v1/auth/reauthenticate).",
    ))
}

/// Checks the proof and notes its time in the session.
pub async fn reauthenticate(
    identity: &Identity,
    scope: &Scope,
    user: UserId,
    session: SessionId,
    proof: Proof,
    source: &Source,
) -> Result<()> {
    let kind = match &proof {
        Proof::Password(_) => "password",
        Proof::Pin(_) => "pin",
        Proof::Code(code) => code.kind(),
    };
    let code = match proof {
        Proof::Password(secret) => {
            check_secret(identity, scope, user, CredentialKind::Password, secret, source).await?;
            None
        }
        Proof::Pin(secret) => {
            check_secret(identity, scope, user, CredentialKind::Pin, secret, source).await?;
            None
        }
        Proof::Code(code) => {
            count_second_factor(identity, user, source).await?;
            Some(code)
        }
    };
    let mut tx = identity.db().begin(scope).await?;
    if let Some(code) = code
        && !second_factor::verify(&mut tx, identity, user, &code).await?
    {
        return Err(wrong_code(Kind::Forbidden));
    }
    sessions::authenticated(&mut tx, session).await?;
    tx.audit(Entry::new("reauthenticate", "session", session).detail(serde_json::json!({ "by": kind })))
        .await?;
    tx.commit().await
}

async fn check_secret(
    identity: &Identity,
    scope: &Scope,
    user: UserId,
    kind: CredentialKind,
    secret: Private,
    source: &Source,
) -> Result<()> {
    count_guess(identity, &user.to_string(), source).await?;
    let mut tx = identity.db().read(scope).await?;
    let stored = credentials::hash(&mut tx, user, kind).await?;
    tx.rollback().await?;
    if identity.hasher().verify(stored, secret).await? {
        return Ok(());
    }
    let (code, message) = match kind {
        CredentialKind::Password => ("wrong_password", "The present password is not right."),
        CredentialKind::Pin => ("wrong_pin", "The present PIN is not right."),
    };
    Err(Error::new(Kind::Forbidden, code, message))
}
