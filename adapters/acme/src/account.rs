//! An account at an authority: a key that it knows us by.

use std::fmt;

use instant_acme::{AccountCredentials, NewAccount};

use crate::{AcmeError, Directory};

/// An account, and the connection on which it is used.
pub struct Account {
    pub(crate) inner: instant_acme::Account,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.inner.id()).finish()
    }
}

impl Account {
    /// The account with this key. Makes sure that the directory answers.
    pub async fn open(directory: &Directory, key: &str) -> Result<Self, AcmeError> {
        let key: AccountCredentials = serde_json::from_str(key).map_err(|_content_is_secret| {
            AcmeError::Setup("the stored key of the account cannot be read".to_owned())
        })?;
        let inner = builder(directory)?.from_credentials(key).await?;
        Ok(Self { inner })
    }

    /// A new account, and its key to be kept. Agrees to the authority's terms of service.
    pub async fn create(directory: &Directory) -> Result<(Self, String), AcmeError> {
        let contact = directory.contact.as_ref().map(|address| format!("mailto:{address}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let account =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (inner, key) = builder(directory)?.create(&account, directory.url.clone(), None).await?;
        let key = serde_json::to_string(&key).map_err(|error| AcmeError::Setup(error.to_string()))?;
        Ok((Self { inner }, key))
    }
}

fn builder(directory: &Directory) -> Result<instant_acme::AccountBuilder, AcmeError> {
    match &directory.root {
        None => Ok(instant_acme::Account::builder()?),
        Some(root) => instant_acme::Account::builder_with_root(root)
            .map_err(|error| AcmeError::Setup(format!("http.acme_root: {}: {error}", root.display()))),
    }
}
