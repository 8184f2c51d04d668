//! Exchanging a refresh token. The decision is `domain::refresh`; parallel refreshes of one session take turns.

use kernel::ids::SessionId;
use platform::audit::Entry;
use platform::db::{Scope, Tx};
use platform::vault::Place;
use platform::{Error, Kind, Result};

use super::end_sessions;
use super::tokens::{self, Issued};
use crate::context::Identity;
use crate::domain::refresh::{Decision, decide};
use crate::domain::secret::{Purpose, Secret};
use crate::store::sessions::{self, EndReason, Token};
use crate::store::users;

/// The session is over.
pub fn refused() -> Error {
    Error::new(Kind::Unauthenticated, "session_ended", "This session has ended. Sign in again.")
}

/// Exchanges a token; an old one ends the session.
pub async fn refresh(identity: &Identity, scope: &Scope, token: &Secret, device: &str) -> Result<Issued> {
    let mut tx = identity.db().begin(scope).await?;
    let Some(stored) = sessions::lock_token(&mut tx, token, device).await? else { return Err(refused()) };
    let successor = match decide(stored.presented, tx.now()) {
        Decision::Rotate => rotate(&mut tx, identity, token, stored.session).await?,
        Decision::Repeat => repeat(&mut tx, identity, &stored).await?,
        Decision::Theft => {
            end_sessions::end(&mut tx, &[stored.session], EndReason::Reuse).await?;
            tx.audit(Entry::new("refresh_reuse", "session", stored.session)).await?;
            end_sessions::known(&mut tx, identity, &[stored.session]);
            tx.commit().await?;
            tracing::warn!(session_id = %stored.session, "a refresh token was used twice; the session was ended");
            return Err(refused());
        }
        Decision::Refuse => return Err(refused()),
    };
    let issued = issue(&mut tx, identity, stored.session, successor).await?;
    tx.commit().await?;
    Ok(issued)
}

async fn issue(tx: &mut Tx, identity: &Identity, session: SessionId, successor: Secret) -> Result<Issued> {
    let session = sessions::lock(tx, session).await?.ok_or_else(refused)?;
    let active = users::find(tx, identity.vault(), session.user_id).await?.is_some_and(|user| user.active);
    if !active {
        return Err(refused());
    }
    // Rights may have changed since: a person who left the organisation goes on in the next one, if there is one.
    let mut org = session.org;
    let entrances = crate::store::memberships::entrances(tx, session.user_id).await?;
    if org.is_some_and(|org| !entrances.iter().any(|entrance| entrance.org == org)) {
        org = entrances.first().map(|entrance| entrance.org);
        sessions::set_org(tx, session.id, org).await?;
    }
    let mut issued =
        tokens::issue(tx, identity, &session, org).await.map_err(|error| match error.kind() {
            Kind::Forbidden => refused(),
            _ => error,
        })?;
    issued.refresh_token = Some(successor);
    Ok(issued)
}

fn place(session: SessionId) -> Place {
    Place::new("identity.refresh_tokens", "successor", session)
}

async fn rotate(tx: &mut Tx, identity: &Identity, token: &Secret, session: SessionId) -> Result<Secret> {
    let successor = Secret::draw(Purpose::Refresh, tx.random());
    let keys = identity.vault().installation(tx).await?;
    let sealed = keys.seal(place(session), successor.text().as_bytes())?;
    sessions::insert_token(tx, session, &successor, Some(token)).await?;
    sessions::use_token(tx, token, session, &sealed).await?;
    Ok(successor)
}

async fn repeat(tx: &mut Tx, identity: &Identity, token: &Token) -> Result<Secret> {
    let keys = identity.vault().installation(tx).await?;
    let sealed =
        token.successor.as_deref().ok_or_else(|| Error::internal("a used token without a successor"))?;
    let text = keys.open(place(token.session), sealed)?;
    let text = std::str::from_utf8(&text).map_err(Error::internal)?;
    Secret::presented(Purpose::Refresh, text)
        .ok_or_else(|| Error::internal("a successor that is no refresh token"))
}
