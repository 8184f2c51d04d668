//! Creating a cluster, and the settings with which one runs.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use secrecy::{ExposeSecret, SecretString};

use super::account::Account;
use super::binaries::Installed;
use super::error::{PostgresError, io};
use super::supervisor::{Launch, Supervised, tail};

/// The superuser of the private cluster. Services never connect as it.
pub(super) const ADMIN: &str = "dropmate_admin";

/// A log larger than this is set aside at start.
const LOG_LIMIT_BYTES: u64 = 10 * 1024 * 1024;

/// Below this `/dev/shm` is the small default of containers, which parallel queries overflow.
const SMALL_SHM_BYTES: u64 = 128 * 1024 * 1024;

/// Runs `initdb` beside the final place and moves the result there: a folder that bears a version number is whole.
pub(super) async fn create(
    server: &Installed,
    folder: &Path,
    account: Account,
    setpriv: &Path,
    password: &SecretString,
) -> Result<(), PostgresError> {
    let draft = folder.with_file_name(format!(
        "new-{}-{}",
        folder.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    account.create_private(&draft)?;
    let pwfile = OwnFile(draft.with_extension("pw"));
    crate::config::secrets::write_new(&pwfile.0, password.expose_secret())?;
    account.own(&pwfile.0)?;
    let log = OwnFile(draft.with_extension("log"));
    let output = private_file(&log.0)?;
    let launch = Launch {
        setpriv: setpriv.to_owned(),
        program: server.bin_dir.join("initdb"),
        args: initdb_args(server.major, &draft, &pwfile.0),
        account,
        output,
    };
    let child = Supervised::start("initdb", launch).map_err(io("start", server.bin_dir.join("initdb")))?;
    let status = child.ended().await;
    if !status.success() {
        return Err(PostgresError::Initdb { folder: folder.to_owned(), output: tail(&log.0, 0) });
    }
    std::fs::rename(&draft, folder).map_err(io("create", folder))?;
    let parent = folder.parent().unwrap_or(folder);
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(io("write", parent))
}

/// A file that is removed when it has served. Only ever names a file that this process created.
struct OwnFile(PathBuf);

impl Drop for OwnFile {
    fn drop(&mut self) {
        // What could not be removed is an unreadable leftover, not a failure of the start.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn initdb_args(major: u32, folder: &Path, pwfile: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--pgdata".into(), folder.into(), "--pwfile".into(), pwfile.into()];
    args.extend(
        ["--username", ADMIN, "--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums"]
            .map(OsString::from),
    );
    // The order of text must not change when the C library does: the builtin provider exists from 17 on.
    if major >= 17 {
        args.extend(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"].map(OsString::from));
        args.extend(["--locale", "C"].map(OsString::from));
    } else {
        args.extend(["--locale", "C.UTF-8"].map(OsString::from));
    }
    args
}

/// The arguments of `postgres`. What stands here overrides `postgresql.conf`.
pub(super) fn postgres_args(folder: &Path, socket_dir: &Path, max_connections: u32) -> Vec<OsString> {
    let mut args: Vec<OsString> =
        vec!["-D".into(), folder.into(), "-p".into(), super::socket::PORT.to_string().into()];
    let mut set = |name: &str, value: &str| {
        args.push("-c".into());
        args.push(format!("{name}={value}").into());
    };
    set("listen_addresses", "");
    // The value is a comma-separated list: quotes keep commas and spaces of a path together.
    let quoted = socket_dir.to_string_lossy().replace('"', "\"\"");
    set("unix_socket_directories", &format!("\"{quoted}\""));
    set("unix_socket_permissions", "0700");
    set("max_connections", &max_connections.to_string());
    set("shared_buffers", "32MB");
    set("dynamic_shared_memory_type", if shm_is_small() { "mmap" } else { "posix" });
    set("huge_pages", "off");
    set("wal_level", "replica");
    set("max_wal_size", "256MB");
    set("jit", "off");
    set("password_encryption", "scram-sha-256");
    // Acknowledged means on the disk. These are the defaults; a hand-edited postgresql.conf must not weaken them.
    set("fsync", "on");
    set("full_page_writes", "on");
    set("synchronous_commit", "on");
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    set("logging_collector", "off");
    set("log_destination", "stderr");
    set("log_line_prefix", "%m [%p] %q%u@%d ");
    args
}

fn shm_is_small() -> bool {
    statvfs("/dev/shm").map_or(true, |shm| shm.fragment_size() * shm.blocks_available() < SMALL_SHM_BYTES)
}

/// Opens the server's log for appending; a large one is kept as `<name>.log.1` (replacing the one before).
pub(super) fn open_log(log: &Path) -> Result<(File, u64), PostgresError> {
    let length = std::fs::metadata(log).map_or(0, |meta| meta.len());
    let mut from = length;
    if length > LOG_LIMIT_BYTES {
        std::fs::rename(log, log.with_extension("log.1")).map_err(io("set aside", log))?;
        from = 0;
    }
    Ok((private_file(log)?, from))
}

fn private_file(path: &Path) -> Result<File, PostgresError> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(io("open", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(args: &[OsString]) -> String {
        args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_order_of_text_comes_from_the_builtin_provider_where_it_exists() {
        let old = text(&initdb_args(15, Path::new("/d"), Path::new("/p")));
        let new = text(&initdb_args(17, Path::new("/d"), Path::new("/p")));
        assert!(old.contains("--locale C.UTF-8") && !old.contains("builtin"), "{old}");
        assert!(new.contains("--locale-provider builtin --builtin-locale C.UTF-8"), "{new}");
        for args in [old, new] {
            assert!(args.contains("--data-checksums") && args.contains("--auth scram-sha-256"), "{args}");
        }
    }

    #[test]
    fn the_server_never_listens_on_tcp_and_quotes_its_socket_folder() {
        let args = text(&postgres_args(Path::new("/d"), Path::new("/a, b/\"c\""), 40));
        assert!(args.contains("listen_addresses= "), "{args}");
        assert!(args.contains("unix_socket_directories=\"/a, b/\"\"c\"\"\""), "{args}");
        assert!(args.contains("max_connections=40"), "{args}");
    }

    #[test]
    fn a_large_log_is_set_aside_at_start() {
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("15.log");
        std::fs::write(&log, "old\n").unwrap();
        assert_eq!(open_log(&log).unwrap().1, 4);
        File::options().write(true).open(&log).unwrap().set_len(LOG_LIMIT_BYTES + 1).unwrap();
        assert_eq!(open_log(&log).unwrap().1, 0);
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
        assert!(home.path().join("15.log.1").exists());
    }
}
