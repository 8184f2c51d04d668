//! The folder of the Unix socket: private (0700) and short, because a socket path has at most 107 bytes.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::{PostgresError, io};

/// The port only names the socket file; nothing listens on TCP.
pub(super) const PORT: u16 = 5432;

/// `sockaddr_un.sun_path` holds 108 bytes with the final zero; the file is `/.s.PGSQL.5432`.
const LONGEST_FOLDER: usize = 107 - "/.s.PGSQL.5432".len();

/// Finds the folder for the data in `root` (`<data>/postgres`), and creates it.
pub(super) fn folder(
    root: &Path,
    account: Account,
    runtime_dir: Option<&Path>,
) -> Result<PathBuf, PostgresError> {
    let folder = choose(root, account, runtime_dir);
    account.create_private(&folder)?;
    // /tmp is open to everybody: a folder that somebody else prepared there is refused (so are links).
    let meta = std::fs::symlink_metadata(&folder).map_err(io("examine", &folder))?;
    if !meta.is_dir() || meta.uid() != account.uid || meta.mode() & 0o777 != 0o700 {
        return Err(PostgresError::SocketFolder { folder, uid: account.uid });
    }
    Ok(folder)
}

fn choose(root: &Path, account: Account, runtime_dir: Option<&Path>) -> PathBuf {
    let beside = root.join("run");
    if beside.as_os_str().len() <= LONGEST_FOLDER {
        return beside;
    }
    let digest = hex::encode(Sha256::digest(root.as_os_str().as_bytes()));
    let short = format!("dropmate-{}-{}", account.uid, &digest[..12]);
    // The run-time folder of a login belongs to that user alone: another user could not enter it.
    let in_runtime = runtime_dir
        .filter(|folder| !account.dropped && folder.is_dir())
        .map(|folder| folder.join(&short))
        .filter(|folder| folder.as_os_str().len() <= LONGEST_FOLDER);
    in_runtime.unwrap_or_else(|| Path::new("/tmp").join(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Account = Account { uid: 1000, gid: 1000, dropped: false };

    #[test]
    fn a_short_path_keeps_the_socket_beside_the_data() {
        let folder = choose(Path::new("/srv/dropmate/data/postgres"), PLAIN, None);
        assert_eq!(folder, Path::new("/srv/dropmate/data/postgres/run"));
    }

    #[test]
    fn a_long_path_moves_the_socket_to_a_short_one() {
        let root = PathBuf::from(format!("/{}", "long/".repeat(30)));
        let folder = choose(&root, PLAIN, None);
        assert!(folder.starts_with("/tmp") && folder.as_os_str().len() < 60, "{}", folder.display());
        assert_eq!(folder, choose(&root, PLAIN, None), "the same data has the same socket");
        let home = tempfile::tempdir().unwrap();
        assert!(choose(&root, PLAIN, Some(home.path())).starts_with(home.path()));
        let dropped = Account { dropped: true, ..PLAIN };
        assert!(choose(&root, dropped, Some(home.path())).starts_with("/tmp"));
    }
}
