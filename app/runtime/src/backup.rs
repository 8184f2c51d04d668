//! A consistent copy of an installation in one file, and bringing it back.
//!
//! ```text
//! backup.tar
//!   database.dump    pg_dump's custom format, one snapshot, without the keys of people
//!   dropmate.toml    the settings, if there is a file
//!   files/...        what people uploaded
//!   manifest.json    last: versions, which keys belong to it, size and SHA-256 of each part
//! backup.tar.keys    the keys of people, wrapped, of the same snapshot; to be kept apart and for a shorter time
//! ```
//!
//! Somebody who is erased is unreadable in every backup whose `.keys` is gone, whatever happens to the rest.
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

pub(crate) use archive::{Unpacked, measure, unpack};
pub use manifest::{Manifest, Part};

use crate::installation::Installation;
use crate::libpq::Login;

pub(crate) const DUMP: &str = "database.dump";
pub(crate) const CONFIG: &str = platform::config::FILE_NAME;
pub(crate) const FILES: &str = "files";
pub(crate) const MANIFEST: &str = "manifest.json";
/// What the manifest calls the file of keys.
pub(crate) const KEYS: &str = "keys";
/// The one table that is in the file of keys.
const KEY_TABLE: &str = "platform.vault_subject_keys";

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The table of contents.
    pub manifest: Manifest,
    /// The file with the wrapped keys of people.
    pub keys: PathBuf,
    /// Where the secrets are that are not in it.
    pub secrets: PathBuf,
}

/// The file of keys that belongs to a backup.
pub fn keys_beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".keys");
    file.with_file_name(name)
}

/// Writes the backup. The files appear under their names complete or not at all, readable for their owner only.
pub async fn write(installation: &Installation, file: &Path) -> Result<Written> {
    let keys = keys_beside(file);
    for file in [file, &keys] {
        if file.exists() {
            bail!("{} exists already; a backup is never overwritten", file.display());
        }
    }
    installation.check_schema().await?;
    let draft = Draft::beside(file)?;
    let mut manifest = describe(installation).await?;
    dump(installation, &draft).await.context("the database was not copied")?;
    if describe(installation).await?.keys != manifest.keys {
        bail!("the installation key was changed while the backup was made; try again");
    }
    let folder = installation.settings.place.folder.clone();
    manifest = tokio::task::spawn_blocking({
        let (tar, dump, keys) = (draft.tar.clone(), draft.dump.clone(), draft.keys.clone());
        move || archive::pack(&tar, &dump, &keys, &folder, manifest)
    })
    .await??;
    draft.publish(file)?;
    Ok(Written { manifest, keys, secrets: installation.settings.place.secrets() })
}

/// Two dumps of one snapshot: a key that is in one has its values in the other.
async fn dump(installation: &Installation, draft: &Draft) -> Result<()> {
    let mut holding = installation.system.begin().await?;
    // The snapshot lives as long as this transaction, which only waits.
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0",
    )
    .execute(holding.conn())
    .await?;
    let snapshot: String =
        sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(holding.conn()).await?;
    let tools = installation.tools(Login::Backup)?;
    let snapshot = format!("--snapshot={snapshot}");
    let common = ["--format=custom", "--no-password", &snapshot];
    let data = format!("--exclude-table-data={KEY_TABLE}");
    tools.run("pg_dump", &[&common[..], &[&data, "--file"]].concat(), &draft.dump).await?;
    let keys = format!("--table={KEY_TABLE}");
    tools.run("pg_dump", &[&common[..], &["--data-only", &keys, "--file"]].concat(), &draft.keys).await?;
    holding.commit().await?;
    Ok(())
}

async fn describe(installation: &Installation) -> Result<Manifest> {
    let mut connection = installation.system.pool().acquire().await?;
    let schemas = migrate::versions(&mut connection).await?;
    let server = sqlx::query("SELECT current_setting('server_version') AS version")
        .fetch_one(&mut *connection)
        .await?;
    let log = bus::status(&installation.system).await?;
    let mut keys = installation.key_ids.clone();
    // What wraps is what the database says: a rotation may have happened since this process read the files.
    if let Some(used) = platform::vault::master_key_ids(&installation.system).await?.pop() {
        keys.master = used;
    }
    Ok(Manifest {
        format: manifest::FORMAT,
        dropmate: env!("CARGO_PKG_VERSION").to_owned(),
        postgres: server.try_get("version")?,
        made_at: installation.clock.now().to_string(),
        schemas,
        keys,
        epoch: log.epoch,
        next_offset: log.next_offset,
        key_file: None,
        parts: Vec::new(),
    })
}

/// Files on the way; what is not published is removed.
struct Draft {
    dump: PathBuf,
    keys: PathBuf,
    tar: PathBuf,
}

impl Draft {
    fn beside(file: &Path) -> Result<Self> {
        let with = |end: &str| {
            let mut name = file.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.{end}", std::process::id()));
            file.with_file_name(name)
        };
        let draft = Self { dump: with("dump"), keys: with("keys"), tar: with("partial") };
        for path in [&draft.dump, &draft.keys, &draft.tar] {
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
        // The keys come first: where the backup is, its keys are.
        for (draft, file) in [(&self.keys, &keys_beside(file)), (&self.tar, &file.to_owned())] {
            std::fs::hard_link(draft, file)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        std::fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for path in [&self.dump, &self.keys, &self.tar] {
            // Ours alone; what cannot be removed is an unpublished leftover.
            let _ = std::fs::remove_file(path);
        }
    }
}
