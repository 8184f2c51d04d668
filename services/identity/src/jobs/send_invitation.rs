//! Sends an invitation to an e-mail address. The secret of the link travels sealed in the job's row.

use kernel::ids::InvitationId;
use platform::db::{BoxFuture, Tx};
use platform::jobs::{Job, JobContext, JobError, JobKind};
use platform::mail::{Address, Failure, MailError, Message};
use platform::vault::Place;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::commands::invitations::link;
use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};
use crate::entities::Invitation;
use crate::store::{invitations, organizations};

/// Which invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendInvitation {
    invitation: InvitationId,
    /// The sealed secret, as hexadecimal digits.
    secret: String,
}

fn place(invitation: InvitationId) -> Place {
    Place::new("platform.jobs", "payload", invitation)
}

impl SendInvitation {
    /// The message for an invitation that was just made.
    pub async fn new(
        tx: &mut Tx,
        identity: &Identity,
        invitation: &Invitation,
        secret: &Secret,
    ) -> Result<Self> {
        let keys = identity.vault().org(tx).await?;
        let sealed = keys.seal(place(invitation.id), secret.text().as_bytes())?;
        Ok(Self { invitation: invitation.id, secret: hex::encode(sealed) })
    }
}

impl Job for SendInvitation {
    const NAME: &'static str = "identity.send_invitation";
}

/// Binds the job to its handler.
pub fn kind(identity: Identity) -> JobKind {
    JobKind::new::<SendInvitation, _>(move |context, job| {
        let identity = identity.clone();
        Box::pin(async move { run(&identity, &context, job).await }) as BoxFuture<'static, _>
    })
}

async fn run(identity: &Identity, context: &JobContext, job: SendInvitation) -> Result<(), JobError> {
    if let Some(message) = prepare(identity, context, &job).await? {
        identity.mailer().send(&message).await.map_err(mail_error)?;
    }
    Ok(())
}

async fn prepare(identity: &Identity, context: &JobContext, job: &SendInvitation) -> Result<Option<Message>> {
    let mut tx = context.db.begin(&context.scope()).await?;
    let invitation = invitations::lock(&mut tx, identity.vault(), job.invitation).await?;
    // Taken back or accepted in the meantime: nothing to send.
    let Some(invitation) =
        invitation.filter(|known| known.revoked_at.is_none() && known.accepted_at.is_none())
    else {
        return Ok(None);
    };
    let (Some(address), Some(organization)) = (&invitation.email, organizations::find(&mut tx).await?) else {
        return Ok(None);
    };
    let keys = identity.vault().org(&mut tx).await?;
    let sealed = hex::decode(&job.secret).map_err(Error::internal)?;
    let text = keys.open(place(invitation.id), &sealed)?;
    let text = std::str::from_utf8(&text).map_err(Error::internal)?;
    let secret = Secret::presented(Purpose::Invitation, text)
        .ok_or_else(|| Error::internal("no invitation secret"))?;
    message(
        context,
        address.reveal(),
        &format!("{} invites you", organization.name),
        &format!(
            "Hello,\n\n{} invites you to join as {}. Open this link within 7 days:\n\n{}\n",
            organization.name,
            invitation.role,
            link(identity, &secret)
        ),
    )
    .map(Some)
}

/// What a failed delivery means for the job.
pub fn mail_error(error: MailError) -> JobError {
    match error.failure {
        Failure::Permanent => JobError::GiveUp(Error::internal(error)),
        // Sending a link twice is better than not sending it: the second one works, the first one may not.
        Failure::Retry | Failure::MaybeSent => JobError::Retry(Error::internal(error)),
    }
}

/// A message to one person; its id is the job's, so that a repeated attempt is recognised as the same message.
pub fn message(context: &JobContext, to: &str, subject: &str, text: &str) -> Result<Message> {
    let to = Address::new(to).map_err(Error::internal)?;
    Message::new(&context.id.to_string(), to, subject, text).map_err(Error::internal)
}
