//! The secrets of an installation: generated once into `secrets` of the data folder, or handed in by the configuration
//! (`DROPMATE__VAULT__MASTER_KEY_FILE` and the like) where several machines share them.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::audit::AuditKey;
use platform::config::{Config, Secret, secrets};
use platform::migrate::RolePasswords;
use platform::vault::MasterKey;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::place::Place;

/// Wraps all data keys.
pub(crate) const MASTER: &str = "master-key";
/// Seals the audit trail.
pub(crate) const AUDIT: &str = "audit-key";
/// Gives each database role its password.
const ROLES: &str = "database-roles";
const BYTES: usize = 32;

/// The secrets in the form in which they are used.
pub(crate) struct Keys {
    pub master: MasterKey,
    pub audit: AuditKey,
    pub passwords: RolePasswords,
    pub ids: KeyIds,
}

/// What may be written down about the keys: enough to tell whether a backup and a key belong together.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyIds {
    /// Of the installation key.
    pub master: String,
    /// Of the key of the audit chain.
    pub audit: String,
}

impl Keys {
    /// Reads the secrets, drawing those that are not there.
    pub fn load_or_generate(place: &Place, config: &Config) -> Result<Self> {
        let dir = place.secrets();
        let read = |given: Option<&Secret>, name| match given {
            Some(given) => Ok(given.inner().clone()),
            None => secrets::load_or_generate(&dir, name, BYTES),
        };
        let master = read(config.vault.master_key.as_ref(), MASTER)?;
        let audit = read(config.vault.audit_key.as_ref(), AUDIT)?;
        let roles = read(config.database.role_secret.as_ref(), ROLES)?;
        let ids = ids(&master, &audit)?;
        Ok(Self {
            master: MasterKey::new(master_bytes(&master)?),
            audit: AuditKey::new(ids.audit.clone(), bytes(&audit).into()),
            passwords: RolePasswords::new(bytes(&roles).into()),
            ids,
        })
    }
}

/// The ids of the keys that are there; `None` while one of them is missing. Nothing is drawn.
pub(crate) fn present(place: &Place, config: &Config) -> Result<Option<KeyIds>> {
    let dir = place.secrets();
    let read = |given: Option<&Secret>, name| match given {
        Some(given) => Ok(Some(given.inner().clone())),
        None => secrets::load(&dir, name),
    };
    let master = read(config.vault.master_key.as_ref(), MASTER)?;
    let audit = read(config.vault.audit_key.as_ref(), AUDIT)?;
    master.zip(audit).map(|(master, audit)| ids(&master, &audit)).transpose()
}

fn ids(master: &SecretString, audit: &SecretString) -> Result<KeyIds> {
    let mut hash = Sha256::new();
    hash.update(b"dropmate\0audit key\0");
    hash.update(audit.expose_secret());
    Ok(KeyIds {
        master: MasterKey::new(master_bytes(master)?).id().to_owned(),
        audit: hex::encode(&hash.finalize()[..8]),
    })
}

fn bytes(secret: &SecretString) -> Vec<u8> {
    secret.expose_secret().as_bytes().to_vec()
}

fn master_bytes(secret: &SecretString) -> Result<[u8; 32]> {
    let decoded = URL_SAFE_NO_PAD.decode(secret.expose_secret()).ok();
    decoded.and_then(|bytes| bytes.try_into().ok()).context(
        "the installation key (master-key) is not 32 bytes as unpadded base64url: restore it from its backup",
    )
}
