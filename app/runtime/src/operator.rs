//! What the operator does from the command line, beside the running process or without one.

use anyhow::Result;
use identity::commands::{first_run, password_reset};
use identity::domain::contact::Email;
use kernel::ids::SigningKeyId;

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
}
