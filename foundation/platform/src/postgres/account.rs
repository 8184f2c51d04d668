//! Who runs PostgreSQL. It refuses to run as root, so a root DropMate drops the rights of its children (only theirs).

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User, chown, getegid, geteuid};

use super::error::{PostgresError, io};

/// The user and group of the children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
    /// Whether it differs from ours.
    pub dropped: bool,
}

impl Account {
    /// As a plain user: ourselves. As root: the owner of the data, else `postgres`, else `nobody`.
    pub fn choose(data_folder: &Path) -> Result<Self, PostgresError> {
        if !geteuid().is_root() {
            return Ok(Self { uid: geteuid().as_raw(), gid: getegid().as_raw(), dropped: false });
        }
        if let Ok(owner) = std::fs::metadata(data_folder)
            && owner.uid() != 0
        {
            return Ok(Self { uid: owner.uid(), gid: owner.gid(), dropped: true });
        }
        let known = ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .ok_or(PostgresError::NoPlainUser)?;
        Ok(Self { uid: known.uid.as_raw(), gid: known.gid.as_raw(), dropped: true })
    }

    /// Makes the command run as this user. The standard library also clears the supplementary groups, because
    /// the parent is root and names none.
    pub fn apply(self, command: &mut Command) {
        if self.dropped {
            command.gid(self.gid).uid(self.uid);
        }
    }

    /// Hands a file or folder over to this user.
    pub fn own(self, path: &Path) -> Result<(), PostgresError> {
        if self.dropped {
            chown(path, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
                .map_err(std::io::Error::from)
                .map_err(io("hand over", path))?;
        }
        Ok(())
    }

    /// Creates a folder of this user that nobody else may enter, if it is not there.
    pub fn create_private(self, folder: &Path) -> Result<(), PostgresError> {
        use std::os::unix::fs::DirBuilderExt;
        match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => self.own(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(io("create the folder", folder)(error)),
        }
    }

    /// Every folder above the data must let this user pass.
    pub fn check_traversable(self, folder: &Path) -> Result<(), PostgresError> {
        if !self.dropped {
            return Ok(());
        }
        for ancestor in folder.ancestors() {
            let meta = std::fs::metadata(ancestor).map_err(io("examine", ancestor))?;
            let mode = meta.permissions().mode();
            let bit = if meta.uid() == self.uid {
                0o100
            } else if meta.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if mode & bit == 0 {
                return Err(PostgresError::NotTraversable { folder: ancestor.to_owned(), user: self.name() });
            }
        }
        Ok(())
    }

    fn name(self) -> String {
        match User::from_uid(Uid::from_raw(self.uid)) {
            Ok(Some(user)) => format!("user {}", user.name),
            _ => format!("user id {}", self.uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_parent_is_named_with_the_fix() {
        let home = tempfile::tempdir().unwrap();
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let inner = home.path().join("postgres");
        std::fs::create_dir(&inner).unwrap();
        let stranger = Account { uid: 64_000, gid: 64_000, dropped: true };
        let error = stranger.check_traversable(&inner).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod o+x '{}'", home.path().display())), "{error}");
        let ourselves = Account { dropped: false, ..stranger };
        ourselves.check_traversable(&inner).unwrap();
    }
}
