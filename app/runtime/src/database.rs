//! Which PostgreSQL: the one of `DATABASE_URL`, a private one that this process starts, or the private one that another
//! process of this installation already runs.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use platform::migrate::RolePasswords;
use platform::postgres::{Access, PostgresError, PrivatePostgres, attach};
use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use crate::settings::Settings;

/// The database in a private server.
pub(crate) const NAME: &str = "dropmate";

/// An answering PostgreSQL.
#[derive(Debug, Clone)]
pub struct Database {
    server: Server,
}

#[derive(Debug, Clone)]
enum Server {
    /// `DATABASE_URL`.
    Yours(Box<PgConnectOptions>),
    /// Started by this process.
    Ours(Arc<PrivatePostgres>),
    /// Started by another process on the same data folder.
    Theirs(Access),
}

impl Database {
    /// Reaches or starts it. `beside` allows another process of the installation to be running.
    pub async fn open(settings: &Settings, beside: bool) -> Result<Self> {
        if let Some(url) = &settings.config().database.url {
            let options = PgConnectOptions::from_str(url.expose()).map_err(|_secret| {
                anyhow::anyhow!("database.url (DATABASE_URL) cannot be read as a PostgreSQL URL")
            })?;
            let connection =
                options.connect().await.context("the PostgreSQL of DATABASE_URL cannot be reached")?;
            connection.close().await?;
            return Ok(Self { server: Server::Yours(Box::new(options)) });
        }
        let options = settings.private_postgres();
        let server = match Box::pin(PrivatePostgres::start(options.clone())).await {
            Ok(server) => {
                server.ensure_database(NAME).await?;
                Server::Ours(Arc::new(server))
            }
            Err(PostgresError::InUse { .. }) if beside => Server::Theirs(attach(&options).await?),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { server })
    }

    /// The one of `DATABASE_URL`, reached only as single roles: a process of a part needs no administrator.
    pub fn shared(settings: &Settings) -> Result<Self> {
        let url = settings.config().database.url.as_ref();
        let options = url.and_then(|url| PgConnectOptions::from_str(url.expose()).ok());
        let options = options.context("database.url (DATABASE_URL) cannot be read as a PostgreSQL URL")?;
        Ok(Self { server: Server::Yours(Box::new(options)) })
    }

    /// How to connect as the administrator: roles, schemas, migrations, backups.
    pub fn admin(&self) -> PgConnectOptions {
        match &self.server {
            Server::Yours(options) => (**options).clone(),
            Server::Ours(server) => server.admin_options(NAME),
            Server::Theirs(access) => access.admin_options(NAME),
        }
    }

    /// How to connect as a role.
    pub fn role(&self, role: &str, passwords: &RolePasswords) -> PgConnectOptions {
        let password = passwords.password(role);
        match &self.server {
            Server::Yours(options) => options.as_ref().clone().username(role).password(&password),
            Server::Ours(server) => server.connect_options(NAME, role, &SecretString::from(password)),
            Server::Theirs(access) => access.connect_options(NAME, role, &SecretString::from(password)),
        }
    }

    /// A connection as the administrator.
    pub async fn connect_admin(&self) -> Result<PgConnection> {
        self.admin().connect().await.context("the database cannot be reached as its administrator")
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        match &self.server {
            Server::Yours(options) => options.get_database().unwrap_or(options.get_username()),
            Server::Ours(_) | Server::Theirs(_) => NAME,
        }
    }

    /// The private server, where this process runs one.
    pub fn private(&self) -> Option<&Arc<PrivatePostgres>> {
        match &self.server {
            Server::Ours(server) => Some(server),
            Server::Yours(_) | Server::Theirs(_) => None,
        }
    }

    /// Whether another process runs the private server.
    pub fn is_beside(&self) -> bool {
        matches!(self.server, Server::Theirs(_))
    }

    /// How to reach the private server, whoever runs it.
    pub fn access(&self) -> Option<Access> {
        match &self.server {
            Server::Yours(_) => None,
            Server::Ours(server) => Some(server.access()),
            Server::Theirs(access) => Some(access.clone()),
        }
    }

    /// Stops what this process started.
    pub async fn close(self) -> Result<()> {
        if let Server::Ours(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
}
