//! How to reach a private server: handed out by the process that started it, or found by another one.
//!
//! Administrative commands run beside `dropmate up` on the same data folder. They must not start a second server, and
//! they need not: the running one wrote the folder of its socket into `postmaster.pid`, and the password is in the
//! secrets of the data folder, readable for the same account only.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::error::{PostgresError, io};
use super::pidfile::{self, Holder};
use super::{PASSWORD_FILE, POLL, PrivateOptions, cluster, layout, secrets_dir, socket};
use crate::config::secrets;
use crate::lifecycle::pause;

/// Where a private server listens, and its superuser's password.
#[derive(Debug, Clone)]
pub struct Access {
    pub(super) socket_dir: PathBuf,
    pub(super) password: SecretString,
    pub(super) bin_dir: PathBuf,
}

impl Access {
    /// How to connect as a role of this cluster.
    pub fn connect_options(&self, database: &str, user: &str, password: &SecretString) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .port(socket::PORT)
            .ssl_mode(PgSslMode::Disable)
            .database(database)
            .username(user)
            .password(password.expose_secret())
    }

    /// How to connect as the superuser: migrations and backups only, never a service.
    pub fn admin_options(&self, database: &str) -> PgConnectOptions {
        self.connect_options(database, cluster::ADMIN, &self.password)
    }

    /// The superuser and its password, for PostgreSQL's own tools.
    pub fn admin_login(&self) -> (&'static str, &str) {
        (cluster::ADMIN, self.password.expose_secret())
    }

    /// The port, which only names the socket file.
    pub fn port(&self) -> u16 {
        socket::PORT
    }

    /// The folder with `pg_dump`, `pg_restore` and the server.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// The folder of the Unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }
}

/// Finds the server that another process runs on this data folder, waiting while it is still starting.
pub async fn attach(options: &PrivateOptions) -> Result<Access, PostgresError> {
    let data_dir = std::path::absolute(&options.data_dir).map_err(io("find", &options.data_dir))?;
    let root = data_dir.join("postgres");
    let begun = std::time::Instant::now();
    loop {
        if let Some(access) = look(options, &data_dir, &root)?
            && let Ok(connection) = access.admin_options("postgres").connect().await
        {
            connection.close().await?;
            return Ok(access);
        }
        if begun.elapsed() > options.start_timeout {
            let pid = std::fs::read_to_string(root.join("lock")).unwrap_or_default();
            return Err(PostgresError::InUse { folder: data_dir, pid: pid.trim().to_owned() });
        }
        pause(POLL).await;
    }
}

fn look(options: &PrivateOptions, data_dir: &Path, root: &Path) -> Result<Option<Access>, PostgresError> {
    let installed = super::find(&options.places);
    let none = || PostgresError::NotInstalled { looked: options.places.describe(), install: String::new() };
    let plan = layout::plan(root, &installed, none, |_major| String::new())?;
    if plan.fresh || !matches!(pidfile::holder(&plan.folder), Holder::Server(_)) {
        return Ok(None);
    }
    // Line 5 of postmaster.pid is the first socket folder.
    let text = std::fs::read_to_string(plan.folder.join("postmaster.pid")).unwrap_or_default();
    let Some(socket_dir) = text.lines().nth(4).filter(|line| !line.is_empty()) else {
        return Ok(None);
    };
    let Some(password) = secrets::load(&secrets_dir(data_dir), PASSWORD_FILE)? else {
        return Ok(None);
    };
    Ok(Some(Access { socket_dir: socket_dir.into(), password, bin_dir: plan.server.bin_dir }))
}
