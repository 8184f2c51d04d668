//! The secrets of an installation: generated once into `secrets` of the data folder, or handed in by the configuration
//! (`DROPMATE__VAULT__MASTER_KEY_FILE` and the like) where several machines share them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::audit::AuditKey;
use platform::config::{Config, Secret, secrets};
use platform::migrate::{RolePasswords, service_role};
use platform::vault::{MasterKey, MasterKeys};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::place::Place;
use crate::services::SERVICES;
use crate::settings::Settings;
use crate::usage::usage;

/// The installation keys of this machine: the one that wraps, and those that may still open.
#[derive(Clone)]
pub(crate) struct Masters {
    folder: PathBuf,
    given: Option<Secret>,
    others: Vec<Secret>,
}

impl Masters {
    pub fn of(place: &Place, config: &Config) -> Self {
        Self {
            folder: place.secrets(),
            given: config.vault.master_key.clone(),
            others: config.vault.other_master_keys.clone(),
        }
    }

    fn texts(&self) -> Result<Vec<SecretString>> {
        let others = self.others.iter().map(|other| other.inner().clone());
        if let Some(given) = &self.given {
            return Ok([given.inner().clone()].into_iter().chain(others).collect());
        }
        let mut names = vec![MASTER.to_owned(), NEXT.to_owned()];
        names.extend(old_keys(&self.folder)?);
        let mut texts = Vec::new();
        for name in names {
            texts.extend(secrets::load(&self.folder, &name)?);
        }
        Ok(texts.into_iter().chain(others).collect())
    }

    /// All of them, the one that wraps first.
    pub fn all(&self) -> Result<Vec<MasterKey>> {
        self.texts()?.iter().map(|text| Ok(MasterKey::new(master_bytes(text)?))).collect()
    }
}

impl MasterKeys for Masters {
    fn load(&self) -> platform::Result<Vec<MasterKey>> {
        self.all().map_err(|error| platform::Error::internal(format!("{error:#}")))
    }
}

fn old_keys(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("{} cannot be read", folder.display()))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        names.extend(name.to_str().filter(|name| name.starts_with(OLD)).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Wraps all data keys.
pub(crate) const MASTER: &str = "master-key";
/// The one that will, while a rotation runs.
pub(crate) const NEXT: &str = "master-key.next";
/// Those that did; older backups still need them.
pub(crate) const OLD: &str = "master-key.old-";
/// Seals the audit trail.
pub(crate) const AUDIT: &str = "audit-key";
/// Gives each database role its password.
pub(crate) const ROLES: &str = "database-roles";
pub(crate) const BYTES: usize = 32;
/// The role of the work across organisations, as settings and commands name it.
pub(crate) const SYSTEM_ROLE: &str = "system";

/// The secrets in the form in which they are used.
pub(crate) struct Keys {
    pub masters: Arc<dyn MasterKeys>,
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
            masters: Arc::new(Masters::of(place, config)),
            audit: AuditKey::new(ids.audit.clone(), bytes(&audit).into()),
            passwords: RolePasswords::new(bytes(&roles).into()),
            ids,
        })
    }
}

/// Which keys are there to open a backup with.
pub(crate) struct Present {
    /// The installation keys, the one that wraps first; empty while there is none.
    pub masters: Vec<String>,
    /// The key of the audit chain.
    pub audit: Option<String>,
}

/// Looks which keys are there. Nothing is drawn.
pub(crate) fn present(place: &Place, config: &Config) -> Result<Present> {
    let masters = Masters::of(place, config).all()?;
    let audit = match &config.vault.audit_key {
        Some(given) => Some(given.inner().clone()),
        None => secrets::load(&place.secrets(), AUDIT)?,
    };
    Ok(Present {
        masters: masters.iter().map(|key| key.id().to_owned()).collect(),
        audit: audit.as_ref().map(audit_id),
    })
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

/// The installation keys, which are not drawn here: another one than the one that sealed what is there is useless.
pub(crate) fn masters(place: &Place, config: &Config) -> Result<Arc<dyn MasterKeys>> {
    existing(place, config.vault.master_key.as_ref(), MASTER, "vault.master_key")?;
    Ok(Arc::new(Masters::of(place, config)))
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
