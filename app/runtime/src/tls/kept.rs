//! What is kept of an ACME authority between starts: the key of the account, the certificate with its key, and when an
//! order may be tried again.
//!
//! ```text
//! tls/acme/<directory>/account.json           per directory: certificates of a trial must not stay in use afterwards
//! tls/acme/<directory>/<host>.pem             chain and key in one file, replaced in one step
//! tls/acme/<directory>/<host>.next.json       restarts do not forget how often the authority was asked
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use kernel::time::Timestamp;
use platform::config::secrets;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::authority::moment;

const ACCOUNT: &str = "account.json";

/// The folder of one directory.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    folder: PathBuf,
    host: String,
}

/// A certificate of an authority, ready to be shown.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub key: Arc<CertifiedKey>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl Certificate {
    /// Chain and key as PEM.
    fn read(pem: &str) -> Result<Self> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| anyhow!("{error}"))?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_content_is_secret| anyhow!("its key cannot be read"))?;
        let first = chain.first().context("there is no certificate in it")?;
        let (_, parsed) = X509Certificate::from_der(first).context("it is not a certificate")?;
        let validity = parsed.validity();
        let (not_before, not_after) = (moment(validity.not_before)?, moment(validity.not_after)?);
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(chain, key, &provider)
            .context("certificate and key do not belong together")?;
        Ok(Self { key: Arc::new(key), not_before, not_after })
    }

    /// When a third of its life is left.
    pub fn renew_at(&self) -> Timestamp {
        self.not_after - self.not_after.duration_since(self.not_before) / 3
    }
}

/// When an order may be placed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Next {
    /// Failures in a row.
    pub failures: u32,
    /// Not before this.
    pub at: Timestamp,
}

impl Kept {
    /// For a directory and a host, below `tls`.
    pub fn new(tls: &Path, directory: &str, host: &str) -> Self {
        let id = hex::encode(&Sha256::digest(directory)[..6]);
        Self { folder: tls.join("acme").join(id), host: host.to_owned() }
    }

    /// Makes the folders, so that none of them can be entered by others.
    pub fn create(&self) -> Result<()> {
        for folder in self.folder.ancestors().take(3).collect::<Vec<_>>().into_iter().rev() {
            let mut builder = std::fs::DirBuilder::new();
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(folder) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(error)
                        .with_context(|| format!("the folder {} cannot be created", folder.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The key of the account.
    pub fn account(&self) -> Result<Option<String>> {
        Ok(secrets::load(&self.folder, ACCOUNT)?.map(|key| key.expose_secret().to_owned()))
    }

    /// Keeps the key of a new account.
    pub fn keep_account(&self, key: &str) -> Result<()> {
        Ok(secrets::replace(&self.folder, ACCOUNT, key)?)
    }

    /// The authority does not know it any more.
    pub fn forget_account(&self) -> Result<()> {
        let file = self.folder.join(ACCOUNT);
        std::fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))
    }

    /// The certificate that was issued last.
    pub fn certificate(&self) -> Result<Option<Certificate>> {
        let name = self.certificate_name();
        let Some(pem) = secrets::load(&self.folder, &name)? else { return Ok(None) };
        let certificate = Certificate::read(pem.expose_secret());
        certificate.map(Some).with_context(|| format!("{}", self.folder.join(name).display()))
    }

    /// Keeps a certificate, after it was read: one that cannot be shown does not take the place of one that can.
    pub fn keep_certificate(&self, chain: &str, key: &str) -> Result<Certificate> {
        let pem = format!("{}\n{}", chain.trim_end(), key);
        let certificate =
            Certificate::read(&pem).context("the authority issued something that cannot be used")?;
        secrets::replace(&self.folder, &self.certificate_name(), &pem)?;
        Ok(certificate)
    }

    fn certificate_name(&self) -> String {
        format!("{}.pem", self.host)
    }

    fn next_name(&self) -> String {
        format!("{}.next.json", self.host)
    }

    /// When an order may be placed again; a file that cannot be read holds nobody up.
    pub fn next(&self) -> Option<Next> {
        let text = secrets::load(&self.folder, &self.next_name()).ok()??;
        serde_json::from_str(text.expose_secret()).ok()
    }

    /// Keeps that.
    pub fn keep_next(&self, next: Next) -> Result<()> {
        Ok(secrets::replace(&self.folder, &self.next_name(), &serde_json::to_string(&next)?)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_kept_is_for_its_owner_and_for_one_directory() {
        let home = tempfile::tempdir().unwrap();
        let trial =
            Kept::new(&home.path().join("tls"), "https://trial.example/directory", "shop.example.org");
        trial.create().unwrap();
        trial.create().unwrap();
        trial.keep_account("{}").unwrap();
        let key = rcgen::generate_simple_self_signed(vec!["shop.example.org".to_owned()]).unwrap();
        let kept = trial.keep_certificate(&key.cert.pem(), &key.signing_key.serialize_pem()).unwrap();
        assert_eq!(trial.certificate().unwrap().unwrap().key.cert, kept.key.cert);
        for entry in std::fs::read_dir(&trial.folder).unwrap().flatten() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
        for folder in trial.folder.ancestors().take(3) {
            assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
        }
        let other = Kept::new(&home.path().join("tls"), "https://real.example/directory", "shop.example.org");
        assert!(other.certificate().unwrap().is_none() && other.account().unwrap().is_none());
        trial.forget_account().unwrap();
        assert!(trial.account().unwrap().is_none());
    }

    #[test]
    fn a_certificate_without_its_key_does_not_take_the_place_of_a_good_one() {
        let home = tempfile::tempdir().unwrap();
        let kept = Kept::new(home.path(), "https://trial.example/directory", "shop.example.org");
        let pair = || rcgen::generate_simple_self_signed(vec!["shop.example.org".to_owned()]).unwrap();
        let (good, other) = (pair(), pair());
        kept.keep_certificate(&good.cert.pem(), &good.signing_key.serialize_pem()).unwrap();
        assert!(kept.keep_certificate(&other.cert.pem(), &good.signing_key.serialize_pem()).is_err());
        assert!(kept.keep_certificate("", &good.signing_key.serialize_pem()).is_err());
        assert_eq!(kept.certificate().unwrap().unwrap().key.cert[0], *good.cert.der());
    }

    #[test]
    fn a_broken_note_holds_nobody_up() {
        let home = tempfile::tempdir().unwrap();
        let kept = Kept::new(home.path(), "https://trial.example/directory", "shop.example.org");
        assert_eq!(kept.next(), None);
        let next = Next { failures: 3, at: "2026-11-20T12:00:00Z".parse().unwrap() };
        kept.keep_next(next).unwrap();
        assert_eq!(kept.next(), Some(next));
        secrets::replace(&kept.folder, &kept.next_name(), "{").unwrap();
        assert_eq!(kept.next(), None);
    }
}
