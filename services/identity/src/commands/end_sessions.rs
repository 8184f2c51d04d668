//! Ending sessions: sign-out, a lost phone, a stolen token, a new password.

use kernel::ids::{MembershipId, OrgId, SessionId, UserId};
use platform::audit::Entry;
use platform::db::{Scope, Tx};
use platform::{Error, Result};

use crate::context::Identity;
use crate::domain::membership::check_grant;
use crate::store::memberships;
use crate::store::sessions::{self, EndReason};

/// Ends sessions in this transaction. [`known`] tells this process's verifier with the commit.
pub async fn end(tx: &mut Tx, ids: &[SessionId], reason: EndReason) -> Result<()> {
    if ids.is_empty() { Ok(()) } else { sessions::end(tx, ids, reason).await }
}

/// Refuses the tokens of these sessions in this process from the commit on; other processes read it within a second.
pub fn known(tx: &mut Tx, identity: &Identity, ids: &[SessionId]) {
    let now = tx.now();
    let until = now.checked_add(platform::auth::ACCESS_TOKEN_LIFETIME).unwrap_or(now);
    let (revocations, ids) = (identity.revocations().clone(), ids.to_vec());
    tx.after_commit(move || ids.into_iter().for_each(|id| revocations.add(id, until)));
}

/// Ends all sessions of a person in an organisation (or everywhere); returns which.
pub async fn end_all(
    tx: &mut Tx,
    user: UserId,
    org: Option<OrgId>,
    reason: EndReason,
    except: Option<SessionId>,
) -> Result<Vec<SessionId>> {
    let mut ids = sessions::ids_of(tx, user, org).await?;
    ids.retain(|id| Some(*id) != except);
    end(tx, &ids, reason).await?;
    Ok(ids)
}

/// Signs the caller out.
pub async fn sign_out(identity: &Identity, scope: &Scope, session: SessionId) -> Result<()> {
    let mut tx = identity.db().begin(scope).await?;
    end(&mut tx, &[session], EndReason::Logout).await?;
    tx.audit(Entry::new("sign_out", "session", session)).await?;
    known(&mut tx, identity, &[session]);
    tx.commit().await
}

/// Ends one of the caller's own sessions.
pub async fn revoke_own(tx: &mut Tx, user: UserId, id: SessionId) -> Result<()> {
    let session = sessions::lock(tx, id)
        .await?
        .filter(|session| session.user_id == user && session.revoked_at.is_none());
    if session.is_none() {
        return Err(Error::not_found("session"));
    }
    end(tx, &[id], EndReason::Revoked).await?;
    tx.audit(Entry::new("revoke_session", "session", id)).await
}

/// Cuts off a member: a lost phone, a dismissed driver. Ends the member's sessions in this organisation.
pub async fn cut_off(
    tx: &mut Tx,
    actor: platform::auth::Role,
    member: MembershipId,
) -> Result<Vec<SessionId>> {
    let membership = memberships::lock(tx, member).await?.ok_or_else(|| Error::not_found("member"))?;
    check_grant(actor, membership.role)?;
    let org = tx.org()?;
    let ended = end_all(tx, membership.user_id, Some(org), EndReason::CutOff, None).await?;
    let entry = Entry::new("sign_out_member", "membership", member);
    tx.audit(entry.detail(serde_json::json!({ "sessions": ended.len() }))).await?;
    Ok(ended)
}
