//! What can keep the private PostgreSQL from running. Every text ends with what to do next.

use std::path::PathBuf;

use crate::config::secrets::SecretError;

/// Why the private PostgreSQL did not start, or did not stop.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No server binaries of a supported major version.
    #[error(
        "PostgreSQL is not installed (versions 15 to 18 are supported; looked in {looked}). {install} \
         Or set DROPMATE_POSTGRES_BIN to the folder that contains initdb and postgres, \
         or DATABASE_URL to use a PostgreSQL that is already running."
    )]
    NotInstalled {
        /// Where it was looked for.
        looked: String,
        /// How to install it here.
        install: String,
    },
    /// The data belongs to a major version whose server is not here.
    #[error(
        "the data in {folder} was written by PostgreSQL {major}, which is not installed here. \
         Nothing was changed. {install}"
    )]
    OtherMajor {
        /// The data folder.
        folder: PathBuf,
        /// The major version that wrote it.
        major: u32,
        /// The exact next command.
        install: String,
    },
    /// The folder is not what its name says.
    #[error("{folder} is not a data folder of PostgreSQL {major}: {why}. Nothing was changed. {next}")]
    NotACluster {
        /// The folder.
        folder: PathBuf,
        /// The major version in its name.
        major: u32,
        /// What was found instead.
        why: String,
        /// What to do.
        next: String,
    },
    /// Another process works on the same data folder.
    #[error("{folder} is in use by process {pid}. Stop it first (kill {pid}), or choose another --data-dir.")]
    InUse {
        /// The data folder of the installation.
        folder: PathBuf,
        /// Who holds it.
        pid: String,
    },
    /// A server is running on the data, although nobody holds the lock.
    #[error(
        "a PostgreSQL (process {pid}) is still running on {folder} and did not end within {waited_s} s. \
         It was not touched. Stop it with: kill -INT {pid}"
    )]
    StillRunning {
        /// The server.
        pid: u32,
        /// Its data folder.
        folder: PathBuf,
        /// How long it was waited for.
        waited_s: u64,
    },
    /// The process that must set the parent-death signal is missing.
    #[error(
        "the command `setpriv` was not found. It ties PostgreSQL to the life of DropMate, so that none is left behind. \
         It belongs to the package util-linux (Debian, Ubuntu: apt-get install util-linux)."
    )]
    SetprivMissing,
    /// Neither `postgres` nor `nobody` exists.
    #[error(
        "PostgreSQL refuses to run as root, and neither the user `postgres` nor `nobody` exists here. \
         Create one (useradd --system postgres), or start DropMate as a plain user."
    )]
    NoPlainUser,
    /// A folder above the data cannot be entered by the user that runs PostgreSQL.
    #[error(
        "PostgreSQL runs as {user}, who may not enter {folder}. Allow it with `chmod o+x '{folder}'`, \
         or choose a folder outside with --data-dir (for example /var/lib/dropmate)."
    )]
    NotTraversable {
        /// The folder.
        folder: PathBuf,
        /// The user.
        user: String,
    },
    /// A folder under /tmp that should be ours is not.
    #[error(
        "{folder} should be a folder of user {uid} with mode 0700, but is not. Remove it, or set XDG_RUNTIME_DIR."
    )]
    SocketFolder {
        /// The folder.
        folder: PathBuf,
        /// Who should own it.
        uid: u32,
    },
    /// The data is there, its password is not.
    #[error(
        "the data in {folder} exists, but {secret} does not. Restore it from the backup of the secrets. \
         Without one: write a new password into it (chmod 600), and set the same with \
         echo \"ALTER ROLE dropmate_admin PASSWORD '...'\" | \
         setpriv --reuid {uid} --regid {gid} --clear-groups '{postgres}' --single -D '{folder}' postgres"
    )]
    PasswordLost {
        /// The data folder.
        folder: PathBuf,
        /// The missing file.
        secret: PathBuf,
        /// The server.
        postgres: PathBuf,
        /// Who owns the data.
        uid: u32,
        /// Its group.
        gid: u32,
    },
    /// The password in the file is not the one in the database.
    #[error("PostgreSQL refused the password in {secret}. Restore that file from the backup of the secrets.")]
    PasswordRefused {
        /// The file.
        secret: PathBuf,
    },
    /// `initdb` failed.
    #[error("initdb could not create {folder}:\n{output}")]
    Initdb {
        /// Where.
        folder: PathBuf,
        /// What it said.
        output: String,
    },
    /// The server ended instead of becoming ready.
    #[error("PostgreSQL ended while starting ({status}). The last lines of {log}:\n{tail}{hint}")]
    EndedEarly {
        /// How it ended.
        status: String,
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
        /// What to do, when it is known.
        hint: String,
    },
    /// The server did not become ready in time.
    #[error("PostgreSQL was not ready after {waited_s} s. The last lines of {log}:\n{tail}")]
    NotReady {
        /// How long it was waited for.
        waited_s: u64,
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server did not stop in time. It is never killed: it may still be writing.
    #[error(
        "PostgreSQL (process {pid}) has not ended {waited_s} s after it was asked to. It was left alone; see {log}."
    )]
    NotStopped {
        /// The server.
        pid: u32,
        /// How long it was waited for.
        waited_s: u64,
        /// The log file.
        log: PathBuf,
    },
    /// A setting that loses acknowledged data when the power fails.
    #[error(
        "PostgreSQL runs with {settings}: what it acknowledges may be lost or torn when the power fails. \
         Turn on fsync, full_page_writes and synchronous_commit (ALTER SYSTEM SET {first} = on; then restart it)."
    )]
    NotDurable {
        /// The settings as `name = value`, comma separated.
        settings: String,
        /// The first of them.
        first: String,
    },
    /// A secret could not be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
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
    /// A query failed.
    #[error("PostgreSQL answered with an error: {0}")]
    Database(#[from] sqlx::Error),
}

/// Names what was tried, and where.
pub(super) fn io(
    what: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(std::io::Error) -> PostgresError {
    let path = path.into();
    move |source| PostgresError::Io { what, path, source }
}
