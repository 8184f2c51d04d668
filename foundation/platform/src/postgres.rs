//! The private PostgreSQL: installed binaries, started for this data folder alone, gone when DropMate is gone.
//!
//! Rules (design section 2; `reference/deploy.md` has the failures of others behind each):
//! * nothing is downloaded and nothing is deleted; what is not understood is refused untouched, with the next command;
//! * no TCP: a Unix socket in a folder that only one user may enter, and a generated password on top;
//! * the version in the data folder is read before anything is started;
//! * the server never outlives us, not even after SIGKILL, and is itself never killed: a fast shutdown is asked for
//!   and waited for;
//! * one DropMate per data folder (a lock that ends with the process), and no process is ever signalled because
//!   its number stands in a file.

mod access;
mod account;
mod binaries;
mod cluster;
mod durability;
mod error;
mod layout;
mod pidfile;
mod socket;
mod supervisor;

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

pub use access::{Access, attach};
pub use binaries::{Installed, Places, SUPPORTED, find};
pub use durability::{Durability, check_durability};
pub use error::PostgresError;

use crate::config::secrets;
use crate::lifecycle::pause;
use account::Account;
use error::io;
use pidfile::Holder;
use supervisor::{Launch, Supervised, tail};

/// The name of the file with the superuser's password, below `<data>/secrets`.
const PASSWORD_FILE: &str = "postgres-admin";

/// How often the server is asked whether it is ready.
const POLL: Duration = Duration::from_millis(20);

/// What the private PostgreSQL needs to know.
#[derive(Debug, Clone)]
pub struct PrivateOptions {
    /// The data folder of the installation; the cluster is in `postgres/<major>` below it.
    pub data_dir: PathBuf,
    /// `max_connections` of the server.
    pub max_connections: u32,
    /// Where to look for binaries.
    pub places: Places,
    /// `XDG_RUNTIME_DIR`, for the socket when the data folder's path is too long.
    pub runtime_dir: Option<PathBuf>,
    /// How long a start may take: recovery after a crash of the machine included.
    pub start_timeout: Duration,
    /// How long a stop may take before it is reported.
    pub stop_timeout: Duration,
}

impl PrivateOptions {
    /// The defaults for a data folder. Nothing is read from the environment.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            max_connections: 100,
            places: Places::default(),
            runtime_dir: None,
            start_timeout: Duration::from_mins(1),
            stop_timeout: Duration::from_mins(1),
        }
    }

    /// Takes `DROPMATE_POSTGRES_BIN`, `PATH` and `XDG_RUNTIME_DIR` from these pairs.
    pub fn with_environment(mut self, pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        for (name, value) in pairs {
            match name.to_str() {
                Some("DROPMATE_POSTGRES_BIN") => self.places.explicit = Some(value.into()),
                Some("PATH") => self.places.search_path = Some(value),
                Some("XDG_RUNTIME_DIR") => self.runtime_dir = Some(value.into()),
                _ => {}
            }
        }
        self
    }
}

/// A running private PostgreSQL. Dropping it asks the server to stop but does not wait: call [`Self::stop`].
#[derive(Debug)]
pub struct PrivatePostgres {
    server: Supervised,
    installed: Installed,
    socket_dir: PathBuf,
    password: SecretString,
    log: PathBuf,
    stop_timeout: Duration,
    // Held for life; declared last so that it is given up after everything else.
    _lock: File,
}

/// Everything that was decided before the server starts.
struct Prepared {
    plan: layout::Plan,
    account: Account,
    setpriv: PathBuf,
    socket_dir: PathBuf,
    password: SecretString,
    lock: File,
}

impl PrivatePostgres {
    /// Finds, creates if needed, starts, and waits until the server answers.
    pub async fn start(options: PrivateOptions) -> Result<Self, PostgresError> {
        let prepared = prepare(&options)?;
        let Prepared { plan, account, setpriv, socket_dir, password, lock } = prepared;
        if plan.fresh {
            tracing::info!(folder = %plan.folder.display(), major = plan.server.major, "creating the database");
            cluster::create(&plan.server, &plan.folder, account, &setpriv, &password).await?;
        }
        wait_for_predecessor(&plan.folder, options.start_timeout).await?;
        let log = plan.folder.with_extension("log");
        let (output, log_from) = cluster::open_log(&log)?;
        let launch = Launch {
            setpriv,
            program: plan.server.bin_dir.join("postgres"),
            args: cluster::postgres_args(&plan.folder, &socket_dir, options.max_connections),
            account,
            output,
        };
        let program = launch.program.clone();
        let server = Supervised::start("postgres", launch).map_err(io("start", program))?;
        let postgres = Self {
            server,
            installed: plan.server,
            socket_dir,
            password,
            log,
            stop_timeout: options.stop_timeout,
            _lock: lock,
        };
        postgres.wait_ready(&options, &plan.folder, log_from).await?;
        Ok(postgres)
    }

    /// How to reach it.
    pub fn access(&self) -> Access {
        Access {
            socket_dir: self.socket_dir.clone(),
            password: self.password.clone(),
            bin_dir: self.installed.bin_dir.clone(),
        }
    }

    /// How to connect as a role of this cluster.
    pub fn connect_options(&self, database: &str, user: &str, password: &SecretString) -> PgConnectOptions {
        self.access().connect_options(database, user, password)
    }

    /// How to connect as the superuser: migrations and backups only, never a service.
    pub fn admin_options(&self, database: &str) -> PgConnectOptions {
        self.access().admin_options(database)
    }

    /// The superuser's connection URL, for tools that want one. Secret, because it carries the password.
    pub fn admin_url(&self, database: &str) -> SecretString {
        let host = percent_encoded(&self.socket_dir.to_string_lossy());
        SecretString::from(format!(
            "postgres://{}:{}@localhost:{}/{}?host={host}&sslmode=disable",
            cluster::ADMIN,
            percent_encoded(self.password.expose_secret()),
            socket::PORT,
            percent_encoded(database),
        ))
    }

    /// Creates the database if it is not there.
    pub async fn ensure_database(&self, name: &str) -> Result<(), PostgresError> {
        let mut connection = self.admin_options("postgres").connect().await?;
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await?;
        if !exists {
            let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
            let created = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
            match created {
                // Somebody else created it in between: 42P04 before the catalogue's index notices, 23505 after.
                Err(error) if !already_there(&error) => return Err(error.into()),
                _ => {}
            }
        }
        connection.close().await?;
        Ok(())
    }

    /// The folder with `pg_dump`, `pg_restore` and the server.
    pub fn bin_dir(&self) -> &Path {
        &self.installed.bin_dir
    }

    /// The major version.
    pub fn major(&self) -> u32 {
        self.installed.major
    }

    /// The server's own log.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// The folder of the Unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Waits until the server ends by itself (it should not), and says how.
    pub async fn ended(&self) -> String {
        let status = self.server.ended().await;
        format!(
            "PostgreSQL ended ({status}); the last lines of {}:\n{}",
            self.log.display(),
            tail(&self.log, 0)
        )
    }

    /// Asks for a fast shutdown and waits for it. Safe to call again.
    pub async fn stop(&self) -> Result<(), PostgresError> {
        self.server.interrupt();
        match tokio::time::timeout(self.stop_timeout, self.server.ended()).await {
            Ok(_) => Ok(()),
            Err(_elapsed) => Err(PostgresError::NotStopped {
                pid: self.server.pid(),
                waited_s: self.stop_timeout.as_secs(),
                log: self.log.clone(),
            }),
        }
    }

    async fn wait_ready(
        &self,
        options: &PrivateOptions,
        folder: &Path,
        log_from: u64,
    ) -> Result<(), PostgresError> {
        let begun = Instant::now();
        let target = self.admin_options("postgres");
        loop {
            if let Some(status) = self.server.status() {
                return Err(self.ended_early(status, folder, log_from));
            }
            match tokio::time::timeout(Duration::from_secs(5), target.connect()).await {
                Ok(Ok(connection)) => {
                    connection.close().await?;
                    return Ok(());
                }
                Ok(Err(error)) if has_code(&error, &["28P01", "28000"]) => {
                    let secret = secrets_dir(&options.data_dir).join(PASSWORD_FILE);
                    return Err(PostgresError::PasswordRefused { secret });
                }
                // Not listening yet, or still recovering.
                Ok(Err(_)) | Err(_) => {}
            }
            if begun.elapsed() > options.start_timeout {
                let waited_s = options.start_timeout.as_secs();
                return Err(PostgresError::NotReady {
                    waited_s,
                    log: self.log.clone(),
                    tail: tail(&self.log, log_from),
                });
            }
            pause(POLL).await;
        }
    }

    fn ended_early(&self, status: std::process::ExitStatus, folder: &Path, log_from: u64) -> PostgresError {
        let hint = match pidfile::holder(folder) {
            Holder::Stranger { pid, command } => format!(
                "{} names process {pid}, which is now `{command}` and not this PostgreSQL. Nothing was touched. \
                 If no postgres works on this folder, move that file away and start again.",
                folder.join("postmaster.pid").display()
            ),
            _ => String::new(),
        };
        PostgresError::EndedEarly {
            status: status.to_string(),
            log: self.log.clone(),
            tail: tail(&self.log, log_from),
            hint,
        }
    }
}

/// Looks at everything and creates only folders, the lock and the password.
fn prepare(options: &PrivateOptions) -> Result<Prepared, PostgresError> {
    let data_dir = std::path::absolute(&options.data_dir).map_err(io("find", &options.data_dir))?;
    let root = data_dir.join("postgres");
    // Others may pass (the server's user must), nobody else may look inside.
    DirBuilder::new().recursive(true).mode(0o711).create(&root).map_err(io("create the folder", &root))?;
    let root = root.canonicalize().map_err(io("find", &root))?;
    let lock = lock(&root, &data_dir)?;
    let search_path = options.places.search_path.as_ref();
    let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let none = || PostgresError::NotInstalled {
        looked: options.places.describe(),
        install: binaries::install_hint(None, &os_release),
    };
    let install = |major| binaries::install_hint(Some(major), &os_release);
    let plan = layout::plan(&root, &find(&options.places), none, install)?;
    let setpriv = binaries::executable("setpriv", search_path).ok_or(PostgresError::SetprivMissing)?;
    let account = Account::choose(&plan.folder)?;
    account.check_traversable(&root)?;
    let password = admin_password(&data_dir, &plan, account)?;
    let socket_dir = socket::folder(&root, account, options.runtime_dir.as_deref())?;
    Ok(Prepared { plan, account, setpriv, socket_dir, password, lock })
}

/// Whether the account that runs PostgreSQL could work in this data folder, which need not exist yet.
pub fn check_place(data_dir: &Path) -> Result<(), PostgresError> {
    let data_dir = std::path::absolute(data_dir).map_err(io("find", data_dir))?;
    let owned = newest_cluster(&data_dir).unwrap_or_else(|| data_dir.clone());
    let account = Account::choose(&owned)?;
    let existing = data_dir.ancestors().find(|folder| folder.exists());
    account.check_traversable(existing.unwrap_or(&data_dir))
}

fn newest_cluster(data_dir: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(data_dir.join("postgres")).ok()?;
    let clusters = entries.flatten().map(|entry| entry.path());
    clusters.filter(|path| path.join("PG_VERSION").exists()).max()
}

fn secrets_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("secrets")
}

/// A new cluster gets a new password; an existing one must already have its own.
fn admin_password(
    data_dir: &Path,
    plan: &layout::Plan,
    account: Account,
) -> Result<SecretString, PostgresError> {
    let dir = secrets_dir(data_dir);
    if plan.fresh {
        return Ok(secrets::load_or_generate(&dir, PASSWORD_FILE, 32)?);
    }
    secrets::load(&dir, PASSWORD_FILE)?.ok_or_else(|| PostgresError::PasswordLost {
        folder: plan.folder.clone(),
        secret: dir.join(PASSWORD_FILE),
        postgres: plan.server.bin_dir.join("postgres"),
        uid: account.uid,
        gid: account.gid,
    })
}

/// One process per data folder. The lock is the kernel's and ends with the process, however it ends.
fn lock(root: &Path, data_dir: &Path) -> Result<File, PostgresError> {
    let path = root.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(io("read", &path))?;
            return Err(PostgresError::InUse { folder: data_dir.to_owned(), pid: pid.trim().to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(io("lock", &path)(error)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io("write", &path))?;
    Ok(file)
}

/// After a crash of DropMate its server is still writing its last pages: wait for it, never signal it.
async fn wait_for_predecessor(folder: &Path, limit: Duration) -> Result<(), PostgresError> {
    let begun = Instant::now();
    while let Holder::Server(pid) = pidfile::holder(folder) {
        if begun.elapsed() > limit {
            let waited_s = limit.as_secs();
            return Err(PostgresError::StillRunning { pid, folder: folder.to_owned(), waited_s });
        }
        pause(POLL).await;
    }
    Ok(())
}

fn already_there(error: &sqlx::Error) -> bool {
    has_code(error, &["42P04", "23505"])
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| codes.contains(&code.as_ref()))
}

/// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3).
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
