//! What the operator does from the command line, beside the running process or without one.

use anyhow::Result;
use identity::commands::{first_run, password_reset};
use identity::domain::contact::Email;
use kernel::ids::{OrgId, SigningKeyId};
use platform::Kind;
use platform::audit::OPERATOR;
use platform::db::Scope;
use platform::vault::Subject;

use crate::installation::Installation;
use crate::usage::usage;

impl Installation {
    /// A fresh owner link; `None` once there is an owner.
    pub async fn owner_link(&self) -> Result<Option<String>> {
        Ok(first_run::owner_link(&self.identity().await?).await?)
    }

    /// A link with which this person sets a new password, and their second factor removed if so wished; `None` when
    /// nobody signs in with the address.
    pub async fn reset_link(&self, email: &str, second_factor: bool) -> Result<Option<String>> {
        let email =
            Email::parse(email).map_err(|_refused| usage(format!("{email:?} is not an e-mail address")))?;
        Ok(password_reset::operator_link(&self.identity().await?, &email, second_factor).await?)
    }

    /// The next signing key.
    pub async fn rotate_keys(&self) -> Result<SigningKeyId> {
        Ok(identity::keys::rotate(&self.identity().await?).await?)
    }

    /// A new key for an organisation; how many keys of people are wrapped under it. `None`: it has no key yet.
    pub async fn rotate_organization(&self, org: OrgId) -> Result<Option<usize>> {
        match self.vault().rotate_scope(&self.system, Some(org), self.clock.now()).await {
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    /// The next key of a person; false when there is none to follow.
    pub async fn rotate_person(&self, subject: Subject) -> Result<bool> {
        // Any service may do so; identity is the one that every installation has.
        let db = self.db(identity::NAME);
        let scope = subject.org().map_or_else(Scope::installation, Scope::system);
        let mut tx = db.begin(&Scope { actor: OPERATOR.to_owned(), ..scope }).await?;
        let rotated = self.vault().rotate_subject(&mut tx, subject).await?;
        tx.commit().await?;
        Ok(rotated)
    }
}
