//! The data folder: where it is, and who may enter it.
//!
//! A plain user's folder is theirs alone (0700). Root's can be passed through but not listed (0711), because the private
//! PostgreSQL runs as an unprivileged account inside it; `secrets` in it is 0700 in both cases.

use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::unistd::Uid;
use platform::postgres;
use sha2::{Digest, Sha256};

/// The folder of an installation that was started from a checkout.
const USUAL: &str = "data";
/// Where root's data goes when the unprivileged account could not reach it in the checkout.
const SYSTEM_WIDE: &str = "/var/lib/dropmate";

/// The data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Absolute.
    pub folder: PathBuf,
    /// Where it would have been, when it was moved.
    pub instead_of: Option<PathBuf>,
    /// Whether somebody chose it.
    explicit: bool,
}

impl Place {
    /// The chosen folder, else `./data`, else one that PostgreSQL can reach. Nothing is created.
    pub fn resolve(chosen: Option<&Path>) -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("the present folder cannot be found")?;
        if let Some(chosen) = chosen {
            let folder = here.join(chosen);
            return Ok(Self { folder, instead_of: None, explicit: true });
        }
        let usual = here.join(USUAL);
        if Uid::effective().is_root() && !reachable(&usual) {
            let short = hex::encode(&Sha256::digest(here.as_os_str().as_bytes())[..4]);
            let folder = Path::new(SYSTEM_WIDE).join(short);
            return Ok(Self { folder, instead_of: Some(usual), explicit: false });
        }
        Ok(Self { folder: usual, instead_of: None, explicit: false })
    }

    /// Creates the folder if it is not there.
    pub fn create(&self) -> anyhow::Result<()> {
        let mode = if Uid::effective().is_root() { 0o711 } else { 0o700 };
        if let Some(parent) = self.folder.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("the folder {} cannot be created", parent.display()))?;
        }
        match DirBuilder::new().mode(mode).create(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("the folder {} cannot be created", self.folder.display()))
            }
            _ => Ok(()),
        }
    }

    /// Where the generated secrets are.
    pub fn secrets(&self) -> PathBuf {
        self.folder.join("secrets")
    }

    /// Where files are kept without an object store.
    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Where the keys and certificates for TLS are.
    pub fn tls(&self) -> PathBuf {
        self.folder.join("tls")
    }

    /// Where messages go without a mail server.
    pub fn mail(&self) -> PathBuf {
        self.folder.join("outbox-mail")
    }

    /// Where the heads of the audit chains are noted.
    pub(crate) fn audit(&self) -> PathBuf {
        self.folder.join("audit")
    }

    /// Where the running process notes under which address it is reached: one file for each part that shares the folder.
    pub(crate) fn address(&self, part: Option<&str>) -> PathBuf {
        self.folder.join(part.map_or_else(|| "address".to_owned(), |part| format!("address-{part}")))
    }

    /// What a command needs to find this folder again: nothing, or ` --data-dir FOLDER`.
    pub fn flag(&self) -> String {
        if self.explicit { format!(" --data-dir '{}'", self.folder.display()) } else { String::new() }
    }
}

fn reachable(folder: &Path) -> bool {
    !matches!(postgres::check_place(folder), Err(postgres::PostgresError::NotTraversable { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_folder_is_never_moved() {
        let place = Place::resolve(Some(Path::new("/srv/somewhere"))).unwrap();
        assert_eq!(place.folder, Path::new("/srv/somewhere"));
        assert_eq!(place.flag(), " --data-dir '/srv/somewhere'");
        assert_eq!(place.instead_of, None);
    }
}
