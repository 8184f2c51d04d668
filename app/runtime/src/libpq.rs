//! Running PostgreSQL's own tools. Passwords travel in the environment of the child, never on its command line.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use platform::migrate::{BACKUP, RolePasswords};
use platform::postgres;
use tokio::process::Command;

use crate::database::{Database, NAME};
use crate::settings::Settings;

/// As whom a tool connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// May read everything.
    Backup,
    /// May change everything.
    Admin,
}

/// How the tools reach the database: the variables of libpq.
pub(crate) struct Tools {
    bin_dir: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Tools {
    /// For this database and login.
    pub fn new(
        settings: &Settings,
        database: &Database,
        passwords: &RolePasswords,
        login: Login,
    ) -> Result<Self> {
        let mut tools = match database.access() {
            Some(access) => {
                let (user, password) = access.admin_login();
                Self {
                    bin_dir: access.bin_dir().to_owned(),
                    variables: vec![
                        ("PGHOST", access.socket_dir().to_string_lossy().into_owned()),
                        ("PGPORT", access.port().to_string()),
                        ("PGDATABASE", NAME.to_owned()),
                        ("PGUSER", user.to_owned()),
                        ("PGPASSWORD", password.to_owned()),
                    ],
                }
            }
            None => Self::yours(settings)?,
        };
        if login == Login::Backup {
            tools.variables.retain(|(name, _)| !matches!(*name, "PGUSER" | "PGPASSWORD"));
            tools.variables.push(("PGUSER", BACKUP.to_owned()));
            tools.variables.push(("PGPASSWORD", passwords.password(BACKUP)));
        }
        Ok(tools)
    }

    fn yours(settings: &Settings) -> Result<Self> {
        let url = settings.config().database.url.as_ref().context("there is no DATABASE_URL")?;
        let installed = postgres::find(&settings.private_postgres().places);
        let newest = installed.first().context(
            "pg_dump and pg_restore were not found: install the PostgreSQL programs of the server's version, or set \
             DROPMATE_POSTGRES_BIN",
        )?;
        let variables = from_url(url.expose()).context("DATABASE_URL cannot be read as a PostgreSQL URL")?;
        Ok(Self { bin_dir: newest.bin_dir.clone(), variables })
    }

    /// Runs one tool to its end; what it said is the error.
    pub async fn run(&self, program: &str, arguments: &[&str], file: &Path) -> Result<()> {
        let path = self.bin_dir.join(program);
        let output = Command::new(&path)
            .args(arguments)
            .arg(file)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("{} cannot be run", path.display()))?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed ({}): {}", output.status, words.trim())
    }
}

/// `postgres://user:password@host:port/database?sslmode=...` as variables of libpq.
fn from_url(url: &str) -> Option<Vec<(&'static str, String)>> {
    let (_, rest) = url.split_once("://")?;
    let (main, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = main.split_once('/').unwrap_or((main, ""));
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut variables = Vec::new();
    let mut put = |name, value: &str| {
        if !value.is_empty() {
            variables.retain(|(known, _)| *known != name);
            variables.push((name, decoded(value)));
        }
    };
    for (name, value) in [
        ("PGUSER", user),
        ("PGPASSWORD", password),
        ("PGHOST", host),
        ("PGPORT", port),
        ("PGDATABASE", database),
    ] {
        put(name, value);
    }
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "host" => put("PGHOST", value),
            "port" => put("PGPORT", value),
            "user" => put("PGUSER", value),
            "password" => put("PGPASSWORD", value),
            "dbname" => put("PGDATABASE", value),
            "sslmode" => put("PGSSLMODE", value),
            "sslrootcert" => put("PGSSLROOTCERT", value),
            _ => {}
        }
    }
    Some(variables)
}

/// Percent-decoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| first == b'%').and_then(|digits| hex::decode(digits).ok());
        if let Some(byte) = hex {
            bytes.extend(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(url: &str, name: &str) -> String {
        let found = from_url(url).unwrap().into_iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value).unwrap_or_default()
    }

    #[test]
    fn a_url_becomes_variables() {
        let url = "postgres://ada:p%40ss%2F@db.example:5433/shop?sslmode=require";
        assert_eq!(value(url, "PGUSER"), "ada");
        assert_eq!(value(url, "PGPASSWORD"), "p@ss/");
        assert_eq!(value(url, "PGHOST"), "db.example");
        assert_eq!(value(url, "PGPORT"), "5433");
        assert_eq!(value(url, "PGDATABASE"), "shop");
        assert_eq!(value(url, "PGSSLMODE"), "require");
        assert_eq!(value("postgres://u@localhost/x?host=%2Frun%2Fpg", "PGHOST"), "/run/pg");
        assert_eq!(value("postgres://u@[::1]:5432/x", "PGHOST"), "::1");
    }
}
