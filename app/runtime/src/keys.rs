//! The secrets of an installation: generated once into `secrets` of the data folder, or handed in by the configuration
//! (`DROPMATE__VAULT__MASTER_KEY_FILE` and the like) where several machines share them.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::audit::AuditKey;
use platform::config::{Config, Secret, secrets};
use platform::migrate::{RolePasswords, service_role};
use platform::vault::MasterKey;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::place::Place;
use crate::services::SERVICES;
use crate::settings::Settings;
use crate::usage::usage;

/// Wraps all data keys.
pub(crate) const MASTER: &str = "master-key";
/// Seals the audit trail.
pub(crate) const AUDIT: &str = "audit-key";
/// Gives each database role its password.
pub(crate) const ROLES: &str = "database-roles";
const BYTES: usize = 32;
/// The role of the work across organisations, as settings and commands name it.
pub(crate) const SYSTEM_ROLE: &str = "system";

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
    Ok(KeyIds { master: MasterKey::new(master_bytes(master)?).id().to_owned(), audit: audit_id(audit) })
}

fn audit_id(audit: &SecretString) -> String {
    let mut hash = Sha256::new();
    hash.update(b"dropmate\0audit key\0");
    hash.update(audit.expose_secret());
    hex::encode(&hash.finalize()[..8])
}

/// The installation key, which is not drawn here: another one than the one that sealed what is there is useless.
pub(crate) fn master(place: &Place, config: &Config) -> Result<MasterKey> {
    let secret = existing(place, config.vault.master_key.as_ref(), MASTER, "vault.master_key")?;
    Ok(MasterKey::new(master_bytes(&secret)?))
}

/// The key of the audit trail, which is not drawn here either.
pub(crate) fn audit(place: &Place, config: &Config) -> Result<AuditKey> {
    let secret = existing(place, config.vault.audit_key.as_ref(), AUDIT, "vault.audit_key")?;
    Ok(AuditKey::new(audit_id(&secret), bytes(&secret).into()))
}

/// The passwords of these roles: those that were handed in, or derived from the secret of all roles where it is there.
pub(crate) fn passwords(place: &Place, config: &Config) -> Result<RolePasswords> {
    let given = config.roles.passwords.iter();
    let given = given.map(|(name, password)| (service_role(name), password.inner().clone())).collect();
    let secret = match &config.database.role_secret {
        Some(secret) => Some(secret.inner().clone()),
        None => secrets::load(&place.secrets(), ROLES)?,
    };
    Ok(match secret {
        Some(secret) => RolePasswords::new(bytes(&secret).into()).with(given),
        None => RolePasswords::only(given),
    })
}

/// The password of one role, from the secret of all. Nothing is drawn: another secret would give other passwords.
pub fn role_password(settings: &Settings, role: &str) -> Result<String> {
    if !SERVICES.contains(&role) && role != SYSTEM_ROLE {
        let known = SERVICES.join(", ");
        return Err(usage(format!("there is no role {role:?}; there are: {known}, {SYSTEM_ROLE}")));
    }
    let config = settings.config();
    let secret =
        existing(&settings.place, config.database.role_secret.as_ref(), ROLES, "database.role_secret")?;
    Ok(RolePasswords::new(bytes(&secret).into()).password(&service_role(role)))
}

fn existing(place: &Place, given: Option<&Secret>, name: &str, setting: &str) -> Result<SecretString> {
    let found = match given {
        Some(given) => Some(given.inner().clone()),
        None => secrets::load(&place.secrets(), name)?,
    };
    found.with_context(|| {
        format!(
            "the secret {name} is missing: put the file of the installation into {}, or set {setting}",
            place.secrets().display()
        )
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
