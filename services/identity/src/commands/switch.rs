//! Another organisation for the same session. The right to enter it is checked here and nowhere later.

use kernel::ids::{OrgId, SessionId};
use platform::audit::Entry;
use platform::db::Scope;
use platform::{Error, Kind, Result};

use super::tokens::{self, Issued};
use crate::context::Identity;
use crate::store::sessions;

/// Lets the session name another organisation (`None`: the installation, for operators) and issues a token for it.
pub async fn switch(
    identity: &Identity,
    scope: &Scope,
    session: SessionId,
    org: Option<OrgId>,
) -> Result<Issued> {
    let mut tx = identity.db().begin(scope).await?;
    let session = sessions::lock(&mut tx, session).await?.ok_or_else(Error::unauthenticated)?;
    let issued =
        tokens::issue(&mut tx, identity, &session, org).await.map_err(|error| match (error.kind(), org) {
            // Whether an organisation exists is nobody's business who is not a member.
            (Kind::Forbidden, Some(_)) => Error::not_found("organization"),
            _ => error,
        })?;
    sessions::set_org(&mut tx, session.id, org).await?;
    tx.audit(Entry::new("switch_organization", "session", session.id)).await?;
    tx.commit().await?;
    Ok(issued)
}
