//! Where the audit chains stood, noted outside the database once a day and at an orderly stop.
//!
//! The chain alone does not show that its end was cut off together with its head; a note in the data folder does, also
//! against who can change every row. A note is replaced only by one that still contains it: evidence is not overwritten.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kernel::ids::Uuid;
use kernel::time::SharedClock;
use platform::audit::{self, Anchor, AnchorNote, AuditKey, Finding, Report};
use platform::db::SystemDb;

use crate::installation::Installation;
use crate::settings::Settings;

/// `anchors-YYYY-MM-DD.json`, by the day in UTC.
const BEGIN: &str = "anchors-";
const END: &str = ".json";

/// The folder with the notes.
#[derive(Clone)]
pub(crate) struct Anchors {
    folder: PathBuf,
    system: SystemDb,
    key: AuditKey,
    clock: SharedClock,
}

impl Anchors {
    pub fn of(installation: &Installation) -> Self {
        Self::new(
            &installation.settings,
            installation.system.clone(),
            installation.audit_key.clone(),
            installation.clock.clone(),
        )
    }

    pub fn new(settings: &Settings, system: SystemDb, key: AuditKey, clock: SharedClock) -> Self {
        Self { folder: settings.place.audit(), system, key, clock }
    }

    /// Notes where the chains stand, unless that was done today. Work goes on without a note, hence only a warning.
    pub async fn note_daily(&self) {
        if !self.today().exists() {
            self.note().await;
        }
    }

    /// Notes where the chains stand now.
    pub async fn note(&self) {
        if let Err(error) = self.try_note().await {
            tracing::error!(error = format!("{error:#}"), "the heads of the audit chains were not noted");
        }
    }

    async fn try_note(&self) -> Result<()> {
        let heads = audit::anchors(&self.system).await?;
        let path = self.today();
        if heads.is_empty() && !path.exists() {
            return Ok(());
        }
        let earlier = self.read(&path)?;
        if !audit::verify_anchors(&self.system, &earlier).await?.is_empty() {
            bail!("the chains do not contain what {} says; see `dropmate audit verify`", path.display());
        }
        let note = AnchorNote::sign(&self.key, self.clock.now(), heads)?;
        let text = serde_json::to_vec_pretty(&note)?;
        tokio::task::spawn_blocking(move || replace(&path, &text)).await?
    }

    /// The links in all notes, and the notes that cannot be believed.
    fn read_all(&self) -> Result<(BTreeSet<Anchor>, Vec<Finding>)> {
        let (mut anchors, mut findings) = (BTreeSet::new(), Vec::new());
        for path in self.notes()? {
            match self.read(&path) {
                Ok(found) => anchors.extend(found),
                Err(error) => {
                    findings.push(Finding { org_id: Uuid::nil(), sequence: 0, what: format!("{error:#}") });
                }
            }
        }
        Ok((anchors, findings))
    }

    fn notes(&self) -> Result<BTreeSet<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            other => other.with_context(|| format!("{} cannot be read", self.folder.display()))?,
        };
        let mut notes = BTreeSet::new();
        for entry in entries {
            let entry = entry?;
            let is_note =
                entry.file_name().to_str().is_some_and(|name| name.starts_with(BEGIN) && name.ends_with(END));
            if is_note {
                notes.insert(entry.path());
            }
        }
        Ok(notes)
    }

    /// What a note says; nothing when there is none.
    fn read(&self, path: &Path) -> Result<Vec<Anchor>> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        let note: AnchorNote =
            serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
        let opened = note.open(&self.key)?;
        opened.with_context(|| format!("{} was changed, or signed with another audit key", path.display()))
    }

    fn today(&self) -> PathBuf {
        self.folder.join(format!("{BEGIN}{}{END}", self.clock.now().strftime("%Y-%m-%d")))
    }
}

/// Walks every chain, and compares it with what was noted outside.
pub async fn verify(installation: &Installation) -> Result<Report> {
    let mut report = audit::verify(&installation.system, &installation.audit_key).await?;
    let (anchors, findings) = Anchors::of(installation).read_all()?;
    let anchors: Vec<Anchor> = anchors.into_iter().collect();
    report.anchors = anchors.len();
    report.findings.extend(findings);
    report.findings.extend(audit::verify_anchors(&installation.system, &anchors).await?);
    Ok(report)
}

/// Complete or not at all, and on the disk when it returns.
fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let folder = path.parent().context("a note without a folder")?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other.with_context(|| format!("{} cannot be created", folder.display()))?,
    }
    let draft = folder.join("draft");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(folder)?.sync_all()
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
