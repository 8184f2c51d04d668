//! Inviting members and drivers. The link is returned to who invites, so that nothing needs mail to work.

use kernel::ids::{InvitationId, UserId};
use platform::audit::Entry;
use platform::auth::Role;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use crate::context::Identity;
use crate::domain::contact::Email;
use crate::domain::membership::check_grant;
use crate::domain::secret::{Purpose, Secret};
use crate::entities::Invitation;
use crate::jobs::send_invitation::SendInvitation;
use crate::store::invitations;

/// Invites somebody; the secret of the link is shown once. With an address, the link is sent there as well.
pub async fn invite(
    tx: &mut Tx,
    identity: &Identity,
    actor: Role,
    by: UserId,
    role: Role,
    email: Option<&Email>,
) -> Result<(Invitation, String)> {
    check_grant(actor, role)?;
    let secret = Secret::draw(Purpose::Invitation, tx.random());
    let invitation = invitations::insert(tx, identity.vault(), role, email, by, &secret).await?;
    if email.is_some() {
        let message = SendInvitation::new(tx, identity, &invitation, &secret).await?;
        tx.enqueue(&message).await?;
    }
    let entry = Entry::new("create_invitation", "invitation", invitation.id);
    tx.audit(entry.detail(serde_json::json!({ "role": role.as_str() }))).await?;
    Ok((invitation, link(identity, &secret)))
}

/// The address of the page that accepts an invitation.
pub fn link(identity: &Identity, secret: &Secret) -> String {
    identity.link(&format!("/join/{}", secret.text()))
}

/// Takes an invitation back. Doing so twice is the same as once.
pub async fn revoke(tx: &mut Tx, identity: &Identity, actor: Role, id: InvitationId) -> Result<()> {
    let invitation =
        invitations::lock(tx, identity.vault(), id).await?.ok_or_else(|| Error::not_found("invitation"))?;
    check_grant(actor, invitation.role)?;
    if invitation.accepted_at.is_some() {
        return Err(Error::new(
            Kind::Conflict,
            "accepted",
            "This invitation was accepted. End the membership instead.",
        ));
    }
    if invitation.revoked_at.is_none() {
        invitations::revoke(tx, id).await?;
    }
    tx.audit(Entry::new("revoke_invitation", "invitation", id)).await
}
