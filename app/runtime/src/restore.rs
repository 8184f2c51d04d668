//! Bringing a backup back into an empty installation. Everything is checked before anything is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use platform::bus;

use crate::backup::{self, CONFIG, DUMP, FILES, Manifest, Unpacked};
use crate::database::Database;
use crate::erasures::{self, Journal};
use crate::installation::{Clocks, Installation};
use crate::keys::{self, KeyIds, Present};
use crate::libpq::Login;
use crate::place::Place;
use crate::settings::Settings;

/// What was brought back.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The table of contents of the backup.
    pub manifest: Manifest,
    /// The epoch of the event log from now on.
    pub epoch: i64,
    /// Erasures that happened after the backup and were done again, from the journal; `None`: there was no journal.
    pub erased_again: Option<usize>,
    /// Settings that were not used, because there is a file already.
    pub settings_beside: Option<PathBuf>,
}

/// Restores. Runs migrations, so a backup of an older version fits.
pub async fn read(settings: Settings, file: &Path, keys: Option<&Path>) -> Result<Restored> {
    check_empty(&settings.place)?;
    let key_file = keys.map_or_else(|| backup::keys_beside(file), Path::to_owned);
    let place = settings.place.clone();
    place.create()?;
    let staging = Staging(place.folder.join(format!(".restore-{}", std::process::id())));
    let (from, to) = (file.to_owned(), staging.0.clone());
    let unpacked = tokio::task::spawn_blocking(move || backup::unpack(&from, &to)).await??;
    check_keys(&settings, &unpacked.manifest)?;
    check_key_file(&key_file, &unpacked.manifest)?;
    let clock = Clocks::of(&settings).await?.clock;
    let database = Box::pin(Database::open(&settings, false)).await?;
    let installation = Installation::on(settings, database, Arc::clone(&clock))?;
    let restored = Box::pin(fill(&installation, &unpacked, &key_file)).await;
    let closed = installation.close().await;
    let (epoch, erased_again) = restored.context(
        "the restore did not finish. Remove the folder `postgres` that it made in the data folder (or empty your own \
         database), then try again",
    )?;
    closed?;
    let settings_beside = place_files(&place, &unpacked.folder)?;
    Ok(Restored { manifest: unpacked.manifest, epoch, erased_again, settings_beside })
}

/// Only the secrets, the journal of erasures, the authority that phones trust and settings may be there.
fn check_empty(place: &Place) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(&place.folder) else {
        return Ok(());
    };
    for entry in entries {
        let name = entry?.file_name();
        let brought_along = ["secrets", "tls", CONFIG, erasures::FOLDER];
        if !brought_along.iter().any(|known| name == *known) {
            bail!(
                "{} is not empty ({} is in it). A restore never replaces anything: choose another --data-dir, or move \
                 that away. Only `secrets`, `tls`, `erasures` and {CONFIG} may be there.",
                place.folder.display(),
                name.to_string_lossy()
            );
        }
    }
    Ok(())
}

fn check_keys(settings: &Settings, manifest: &Manifest) -> Result<()> {
    let secrets = settings.place.secrets();
    let wanted = &manifest.keys;
    let present = keys::present(&settings.place, settings.config())?;
    let Present { masters, audit: Some(audit) } = &present else { return Err(no_keys(wanted, &secrets)) };
    if masters.is_empty() {
        return Err(no_keys(wanted, &secrets));
    }
    if masters.contains(&wanted.master) && *audit == wanted.audit {
        return Ok(());
    }
    bail!(
        "the keys in {} (master-key {}, audit-key {audit}) are not those of this backup (master-key {}, audit-key {}). \
         Put the right ones there. Nothing was changed.",
        secrets.display(),
        masters.join(", "),
        wanted.master,
        wanted.audit
    )
}

/// The wrapped keys of people, of the same moment.
fn check_key_file(file: &Path, manifest: &Manifest) -> Result<()> {
    if !file.exists() {
        bail!(
            "{} is not there: it holds the keys of the people in this backup. Fetch it from where you keep the keys, or name \
             it with --keys. Nothing was changed.",
            file.display()
        );
    }
    if manifest.key_file.as_ref() != Some(&backup::measure(file)?) {
        bail!(
            "{} is damaged, or belongs to another backup than the one of {}. Nothing was changed.",
            file.display(),
            manifest.made_at
        );
    }
    Ok(())
}

fn no_keys(wanted: &KeyIds, secrets: &Path) -> anyhow::Error {
    anyhow!(
        "this backup can only be read with its keys. Put `master-key` ({}) and `audit-key` ({}) of the old installation \
         into {} (mode 0600), then try again. Nothing was changed.",
        wanted.master,
        wanted.audit,
        secrets.display()
    )
}

async fn fill(
    installation: &Installation,
    unpacked: &Unpacked,
    key_file: &Path,
) -> Result<(i64, Option<usize>)> {
    let mut connection = installation.database.connect_admin().await?;
    let used: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname IN ('platform', 'bus'))")
            .fetch_one(&mut connection)
            .await?;
    drop(connection);
    if used {
        bail!("the database is not empty: it has the schemas of an installation already");
    }
    installation.prepare_roles().await?;
    let arguments = ["--exit-on-error", "--no-password", "--dbname", installation.database.name()];
    installation.tools(Login::Admin)?.run("pg_restore", &arguments, &unpacked.folder.join(DUMP)).await?;
    installation.tools(Login::Admin)?.run("pg_restore", &arguments, key_file).await?;
    installation.migrate().await?;
    installation.check_master_key().await?;
    let epoch = bus::new_epoch(&installation.system).await?;
    let journal = erasures::path(&installation.settings.place).exists();
    let erased = if journal { Some(Journal::of(installation).replay().await?) } else { None };
    Ok((epoch, erased))
}

/// Moves the files into place; settings that are there already stay, the restored ones are put beside them.
fn place_files(place: &Place, from: &Path) -> Result<Option<PathBuf>> {
    let files = from.join(FILES);
    if files.exists() {
        std::fs::rename(&files, place.folder.join(FILES))?;
    }
    let config = from.join(CONFIG);
    if !config.exists() {
        return Ok(None);
    }
    let target = place.folder.join(CONFIG);
    if !target.exists() {
        std::fs::rename(&config, &target)?;
        return Ok(None);
    }
    let beside = place.folder.join(format!("{CONFIG}.restored"));
    std::fs::rename(&config, &beside)?;
    Ok(Some(beside))
}

/// The unpacked parts; removed at the end. Only ever a folder that this process created.
struct Staging(PathBuf);

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed is a hidden leftover, named after this process.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
