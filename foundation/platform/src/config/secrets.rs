//! Generated secrets. None has a default: each is drawn once and kept in a file of its own, mode 0600.
//!
//! A file appears under its name complete or not at all (written beside, fsynced, then linked), and two starts at the
//! same moment end with the same secret: the first link wins and both read it back.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

/// Why a secret could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file may be read by others than its owner.
    #[error(
        "{path} may be read by others (mode {mode:o}). Nobody but its owner may read a secret: chmod 600 '{path}'"
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is there but holds nothing.
    #[error(
        "{path} is empty. Restore it from a backup; it is not generated again, because data may depend on it"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The name would leave the folder.
    #[error("{0:?} cannot be the name of a secret")]
    Name(String),
    /// The operating system refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

/// Reads the secret `name` in `dir`, or draws one of `bytes` random bytes (as unpadded base64url text) and keeps it.
pub fn load_or_generate(dir: &Path, name: &str, bytes: usize) -> Result<SecretString, SecretError> {
    match load(dir, name)? {
        Some(secret) => Ok(secret),
        None => keep(dir, name, &draw(bytes)),
    }
}

/// Reads the secret `name` in `dir`; `None` when there is no such file.
pub fn load(dir: &Path, name: &str) -> Result<Option<SecretString>, SecretError> {
    read_private(&path_of(dir, name)?)
}

/// Reads one secret file and refuses it when others may read it.
fn read_private(path: &Path) -> Result<Option<SecretString>, SecretError> {
    let io = |what, source| SecretError::Io { what, path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io("open", error)),
    };
    let mode = file.metadata().map_err(|error| io("examine", error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::TooOpen { path: path.to_owned(), mode });
    }
    let text = Zeroizing::new(std::io::read_to_string(file).map_err(|error| io("read", error))?);
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(SecretError::Empty { path: path.to_owned() });
    }
    Ok(Some(SecretString::from(secret)))
}

/// Keeps a secret that was made elsewhere, unless there is one: never overwrites. What is kept then, whoever was first.
pub fn keep(dir: &Path, name: &str, text: &str) -> Result<SecretString, SecretError> {
    let path = path_of(dir, name)?;
    create_private_dir(dir)?;
    let draft = draft_of(dir, name);
    let written = write_new(&draft, text).and_then(|()| match fs::hard_link(&draft, &path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(SecretError::Io { what: "create", path: path.clone(), source: error })
        }
        _ => Ok(()),
    });
    // The draft is ours and only ours; failing to remove it harms nothing but tidiness.
    let _ = fs::remove_file(&draft);
    written?;
    sync_dir(dir)?;
    read_private(&path)?.ok_or(SecretError::Empty { path })
}

/// Puts a secret that expires in the place of the one before, in one step: a crash leaves the one or the other.
pub fn replace(dir: &Path, name: &str, text: &str) -> Result<(), SecretError> {
    let path = path_of(dir, name)?;
    create_private_dir(dir)?;
    let draft = draft_of(dir, name);
    let renamed = write_new(&draft, text).and_then(|()| {
        fs::rename(&draft, &path).map_err(|source| SecretError::Io { what: "replace", path, source })
    });
    if renamed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    renamed?;
    sync_dir(dir)
}

fn draft_of(dir: &Path, name: &str) -> PathBuf {
    // Distinguishes drafts of threads of one process; the process id distinguishes processes.
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    dir.join(format!(".{name}.{}.{}", std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)))
}

fn draw(bytes: usize) -> Zeroizing<String> {
    let random = crate::clock::system_random();
    let mut raw = Zeroizing::new(Vec::with_capacity(bytes + 32));
    while raw.len() < bytes {
        raw.extend_from_slice(&random.bytes::<32>());
    }
    Zeroizing::new(URL_SAFE_NO_PAD.encode(&raw[..bytes]))
}

/// Writes a file that only its owner may read, and waits until it is on the disk.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), SecretError> {
    let io = |what, source| SecretError::Io { what, path: path.to_owned(), source };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io("create", error))?;
    file.write_all(text.as_bytes()).map_err(|error| io("write", error))?;
    file.sync_all().map_err(|error| io("write", error))
}

/// Creates a folder that only its owner may enter. Parents get the usual mode.
fn create_private_dir(dir: &Path) -> Result<(), SecretError> {
    let io = |source| SecretError::Io { what: "create the folder", path: dir.to_owned(), source };
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(io)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(io),
    }
}

fn sync_dir(dir: &Path) -> Result<(), SecretError> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(|source| SecretError::Io {
        what: "write",
        path: dir.to_owned(),
        source,
    })
}

fn path_of(dir: &Path, name: &str) -> Result<PathBuf, SecretError> {
    let plain = !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if plain { Ok(dir.join(name)) } else { Err(SecretError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_drawn_once_and_read_back() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("a folder/secrets");
        let first = load_or_generate(&dir, "postgres-admin", 32).unwrap();
        let second = load_or_generate(&dir, "postgres-admin", 32).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 43);
        assert_eq!(fs::metadata(dir.join("postgres-admin")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "no draft stays behind");
        let other = load_or_generate(&dir, "other", 32).unwrap();
        assert_ne!(first.expose_secret(), other.expose_secret());
    }

    #[test]
    fn what_is_kept_is_not_overwritten_and_what_is_replaced_is() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(keep(home.path(), "authority", "first").unwrap().expose_secret(), "first");
        assert_eq!(keep(home.path(), "authority", "second").unwrap().expose_secret(), "first");
        replace(home.path(), "authority", "third").unwrap();
        assert_eq!(load(home.path(), "authority").unwrap().unwrap().expose_secret(), "third");
        assert_eq!(fs::metadata(home.path().join("authority")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn parallel_starts_end_with_one_secret() {
        let home = tempfile::tempdir().unwrap();
        let found: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| load_or_generate(home.path(), "key", 32).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().expose_secret().to_owned()).collect()
        });
        assert!(found.iter().all(|secret| secret == &found[0]));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        load_or_generate(home.path(), "key", 16).unwrap();
        fs::set_permissions(home.path().join("key"), fs::Permissions::from_mode(0o640)).unwrap();
        let error = load_or_generate(home.path(), "key", 16).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn an_empty_file_is_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        write_new(&home.path().join("key"), "").unwrap();
        assert!(matches!(load_or_generate(home.path(), "key", 16), Err(SecretError::Empty { .. })));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for name in ["../key", "a/b", "", ".hidden"] {
            assert!(matches!(load(Path::new("/tmp"), name), Err(SecretError::Name(_))), "{name}");
        }
    }
}
