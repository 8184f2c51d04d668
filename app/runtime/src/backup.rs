//! A consistent copy of an installation in one file, and bringing it back.
//!
//! ```text
//! backup.tar
//!   database.dump    pg_dump's custom format, one snapshot
//!   dropmate.toml    the settings, if there is a file
//!   files/...        what people uploaded
//!   manifest.json    last: versions, which keys belong to it, size and SHA-256 of each part
//! ```
//!
//! The secrets are never in it: whoever finds a backup finds no personal data that can be read. Messages that wait in
//! `outbox-mail` are left out too, because they carry links that sign people in.

mod archive;
mod manifest;

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use platform::bus;
use platform::migrate;
use sqlx::Row;

pub(crate) use archive::{Unpacked, unpack};
pub use manifest::{Manifest, Part};

use crate::installation::Installation;
use crate::libpq::Login;

pub(crate) const DUMP: &str = "database.dump";
pub(crate) const CONFIG: &str = platform::config::FILE_NAME;
pub(crate) const FILES: &str = "files";
pub(crate) const MANIFEST: &str = "manifest.json";

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The table of contents.
    pub manifest: Manifest,
    /// Where the secrets are that are not in it.
    pub secrets: PathBuf,
}

/// Writes the backup. The file appears under its name complete or not at all, readable for its owner only.
pub async fn write(installation: &Installation, file: &Path) -> Result<Written> {
    if file.exists() {
        bail!("{} exists already; a backup is never overwritten", file.display());
    }
    installation.check_schema().await?;
    let draft = Draft::beside(file)?;
    let mut manifest = describe(installation).await?;
    installation
        .tools(Login::Backup)?
        .run("pg_dump", &["--format=custom", "--no-password", "--file"], &draft.dump)
        .await
        .context("the database was not copied")?;
    let folder = installation.settings.place.folder.clone();
    let (dump, tar) = (draft.dump.clone(), draft.tar.clone());
    manifest.parts = tokio::task::spawn_blocking({
        let manifest = manifest.clone();
        move || archive::pack(&tar, &dump, &folder, manifest)
    })
    .await??;
    draft.publish(file)?;
    Ok(Written { manifest, secrets: installation.settings.place.secrets() })
}

async fn describe(installation: &Installation) -> Result<Manifest> {
    let mut connection = installation.system.pool().acquire().await?;
    let schemas = migrate::versions(&mut connection).await?;
    let server = sqlx::query("SELECT current_setting('server_version') AS version")
        .fetch_one(&mut *connection)
        .await?;
    let log = bus::status(&installation.system).await?;
    Ok(Manifest {
        format: manifest::FORMAT,
        dropmate: env!("CARGO_PKG_VERSION").to_owned(),
        postgres: server.try_get("version")?,
        made_at: installation.clock.now().to_string(),
        schemas,
        keys: installation.key_ids.clone(),
        epoch: log.epoch,
        next_offset: log.next_offset,
        parts: Vec::new(),
    })
}

/// Files on the way; what is not published is removed.
struct Draft {
    dump: PathBuf,
    tar: PathBuf,
}

impl Draft {
    fn beside(file: &Path) -> Result<Self> {
        let with = |end: &str| {
            let mut name = file.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.{end}", std::process::id()));
            file.with_file_name(name)
        };
        let draft = Self { dump: with("dump"), tar: with("partial") };
        for path in [&draft.dump, &draft.tar] {
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(draft)
    }

    fn publish(self, file: &Path) -> Result<()> {
        // A link instead of a rename: it fails when somebody else wrote the same name meanwhile.
        std::fs::hard_link(&self.tar, file)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        std::fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for path in [&self.dump, &self.tar] {
            // Ours alone; what cannot be removed is an unpublished leftover.
            let _ = std::fs::remove_file(path);
        }
    }
}
