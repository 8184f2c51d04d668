//! Sends a link that works once. The link is made when the message is: a repeated attempt makes a new one, and the one
//! before stops working. Neither the address nor the secret is ever in the job's row in clear.

use kernel::ids::UserId;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use platform::mail::Message;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

use super::send_invitation::message;
use crate::commands::change_email;
use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};
use crate::store::links::{self, LinkPurpose};
use crate::store::users;

/// Which link to whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendLink {
    user: UserId,
    /// The sealed new address of an e-mail change, as hexadecimal digits.
    new_address: Option<String>,
}

impl SendLink {
    /// A link to set a new password, to the account's address.
    pub fn password_reset(user: UserId) -> Self {
        Self { user, new_address: None }
    }

    /// A link to confirm a new address, to that address.
    pub fn email_change(user: UserId, sealed: &[u8]) -> Self {
        Self { user, new_address: Some(hex::encode(sealed)) }
    }
}

impl Job for SendLink {
    const NAME: &'static str = "identity.send_link";
    fn unique_key(&self) -> Option<String> {
        // Pressing the button twice sends one message.
        self.new_address.is_none().then(|| format!("reset:{}", self.user))
    }
}

/// Binds the job to its handler.
pub fn kind(identity: Identity) -> JobKind {
    JobKind::new::<SendLink, _>(move |context, job| {
        let identity = identity.clone();
        Box::pin(async move { run(&identity, &context, job).await }) as BoxFuture<'static, _>
    })
}

async fn run(identity: &Identity, context: &JobContext, job: SendLink) -> Result<(), JobError> {
    if let Some(message) = prepare(identity, context, &job).await? {
        identity.mailer().send(&message).await.map_err(super::send_invitation::mail_error)?;
    }
    Ok(())
}

async fn prepare(identity: &Identity, context: &JobContext, job: &SendLink) -> Result<Option<Message>> {
    let mut tx = context.db.begin(&context.scope()).await?;
    let Some(user) = users::find(&mut tx, identity.vault(), job.user).await? else { return Ok(None) };
    let secret = Secret::draw(Purpose::Link, tx.random());
    let message = if let Some(sealed) = &job.new_address {
        let sealed = hex::decode(sealed).map_err(Error::internal)?;
        let email = change_email::open(&mut tx, identity, job.user, &sealed).await?;
        links::replace(&mut tx, LinkPurpose::EmailChange, Some(job.user), &secret, Some(&sealed)).await?;
        let link = identity.link(&format!("/confirm/{}", secret.text()));
        message(
            context,
            email.private().reveal(),
            "Confirm your new e-mail address",
            &format!(
                "Hello {},\n\nopen this link within 24 hours to use this address for signing in:\n\n{link}\n\n\
                 If you did not ask for it, ignore this message: nothing changes.\n",
                user.name.reveal()
            ),
        )
    } else {
        let Some(address) = &user.email else { return Ok(None) };
        links::replace(&mut tx, LinkPurpose::PasswordReset, Some(job.user), &secret, None).await?;
        let link = identity.link(&format!("/reset/{}", secret.text()));
        message(
            context,
            address.reveal(),
            "Set a new password",
            &format!(
                "Hello {},\n\nopen this link within 30 minutes to set a new password:\n\n{link}\n\n\
                 If you did not ask for it, ignore this message: your password stays as it is.\n",
                user.name.reveal()
            ),
        )
    };
    tx.commit().await?;
    message.map(Some)
}
