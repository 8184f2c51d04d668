//! Changing the installation key while everything runs.
//!
//! ```text
//! master-key            wraps
//! master-key.next       drawn; every process may open with it
//!   ... one transaction wraps every organisation's key under it ...
//! master-key.old-<id>   what wrapped before; backups made before still need it
//! master-key            the new one
//! ```
//!
//! A crash at any place leaves a state that the next start or the next rotation finishes: the database names the key that
//! wraps, and both are there until the files agree with it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use platform::config::secrets;
use platform::vault::MasterKey;

use crate::installation::Installation;
use crate::keys::{BYTES, MASTER, Masters, NEXT, OLD};
use crate::settings::Settings;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that wraps from now on.
    pub id: String,
    /// Organisations (and the installation) whose keys were wrapped anew.
    pub scopes: usize,
    /// Whether the configuration names the key; otherwise it is in the data folder.
    pub given: bool,
}

/// Wraps every organisation's key under a new installation key. Where the configuration gives the key, under that one:
/// then the one before must be among `vault.other_master_keys`.
pub async fn rotate(installation: &Installation) -> Result<Rotated> {
    let settings = &installation.settings;
    let used = platform::vault::master_key_ids(&installation.system).await?;
    let given = settings.config().vault.master_key.is_some();
    if !given {
        // Finishes a rotation that was interrupted after its transaction, before another one begins.
        settle(settings, &used)?;
        secrets::load_or_generate(&settings.place.secrets(), NEXT, BYTES)?;
    }
    let to = target(settings, given)?;
    let now = installation.clock.now();
    let scopes = installation.vault().rotate_installation(&installation.system, &to, now).await?;
    if given && scopes == 0 {
        bail!(
            "everything is wrapped under {} already. To change it: put the present key into vault.other_master_keys and a \
             new one into vault.master_key on every machine, restart them, and run this again.",
            to.id()
        );
    }
    if !given {
        promote(&settings.place.secrets(), settings)?;
    }
    Ok(Rotated { id: to.id().to_owned(), scopes, given })
}

fn target(settings: &Settings, given: bool) -> Result<MasterKey> {
    let mut keys = Masters::of(&settings.place, settings.config()).all()?.into_iter();
    // The next one stands behind the present one.
    let found = if given { keys.next() } else { keys.nth(1) };
    found.context("there is no installation key to rotate to")
}

/// Makes the files agree with the database after a rotation that was interrupted behind its transaction.
pub(crate) fn settle(settings: &Settings, used: &[String]) -> Result<()> {
    let folder = settings.place.secrets();
    if settings.config().vault.master_key.is_some() || secrets::load(&folder, NEXT)?.is_none() {
        return Ok(());
    }
    let next = target(settings, false)?;
    if used.iter().any(|id| id == next.id()) {
        promote(&folder, settings)?;
    }
    Ok(())
}

/// The next key takes the place of the present one, which stays under another name. There is no moment without a key.
fn promote(folder: &Path, settings: &Settings) -> Result<()> {
    let keys = Masters::of(&settings.place, settings.config()).all()?;
    let present = keys.first().context("there is no installation key")?;
    let what = || format!("the installation keys in {} could not be exchanged", folder.display());
    match fs::hard_link(folder.join(MASTER), folder.join(format!("{OLD}{}", present.id()))) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other.with_context(what)?,
    }
    fs::rename(folder.join(NEXT), folder.join(MASTER)).with_context(what)?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(what)
}
