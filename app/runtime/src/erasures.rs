//! The journal of erasures: `erasures/journal.jsonl` in the data folder, outside the database and its backups.
//!
//! Who brings back an older backup brings back the keys of people who were erased since; the journal is then read and done
//! again. Lines are appended, forced to the disk, and only then marked in the database: a crash in between repeats a line,
//! which harms nothing, and never loses one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use platform::audit::AuditKey;
use platform::db::SystemDb;
use platform::vault::{self, Erasure, Line};

use crate::installation::Installation;
use crate::place::Place;

/// Erasures per round.
const ROUND: i64 = 500;

/// The journal of one installation.
#[derive(Clone)]
pub(crate) struct Journal {
    path: PathBuf,
    key: AuditKey,
    system: SystemDb,
}

impl Journal {
    pub fn of(installation: &Installation) -> Self {
        let place = &installation.settings.place;
        Self::new(place, installation.audit_key.clone(), installation.system.clone())
    }

    /// The journal in this data folder.
    pub fn new(place: &Place, key: AuditKey, system: SystemDb) -> Self {
        Self { path: path(place), key, system }
    }

    /// Copies what has been committed since.
    pub async fn catch_up(&self) -> Result<usize> {
        let mut copied = 0;
        loop {
            let waiting = vault::waiting(&self.system, ROUND).await?;
            if waiting.is_empty() {
                return Ok(copied);
            }
            copied += waiting.len();
            let (numbers, erasures): (Vec<i64>, Vec<Erasure>) = waiting.into_iter().unzip();
            let (path, key) = (self.path.clone(), self.key.clone());
            tokio::task::spawn_blocking(move || append(&path, &key, erasures)).await??;
            vault::journaled(&self.system, &numbers).await?;
        }
    }

    /// Does again what the journal says; how many erasures were not in the database any more.
    pub async fn replay(&self) -> Result<usize> {
        let lines = read(&self.path, &self.key)?;
        let erasures: Vec<Erasure> = lines.into_iter().map(|line| line.erasure).collect();
        Ok(vault::replay(&self.system, &erasures).await?)
    }
}

/// Where the journal of an installation is.
pub(crate) fn path(place: &Place) -> PathBuf {
    place.folder.join(FOLDER).join("journal.jsonl")
}

/// The folder below the data folder.
pub(crate) const FOLDER: &str = "erasures";

fn append(path: &Path, key: &AuditKey, erasures: Vec<Erasure>) -> Result<()> {
    let folder = path.parent().context("a journal without a folder")?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other.with_context(|| format!("{} cannot be created", folder.display()))?,
    }
    let mut previous = cut_torn_line(path)?.map_or_else(String::new, |line| line.mac);
    let mut text = Vec::new();
    for erasure in erasures {
        let line = Line::after(&previous, erasure, key)?;
        serde_json::to_writer(&mut text, &line)?;
        text.push(b'\n');
        previous = line.mac;
    }
    let write = || {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(&text)?;
        file.sync_all()?;
        File::open(folder)?.sync_all()
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// The last whole line. Half a line is what a crash left while appending: its erasure is still marked as waiting.
fn cut_torn_line(path: &Path) -> Result<Option<Line>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(u64::try_from(whole)?)?;
        file.sync_all()?;
    }
    let last = text[..whole].lines().last();
    last.map(|line| serde_json::from_str(line).with_context(|| damaged(path, "its last line"))).transpose()
}

/// Every line, checked against the one before it.
fn read(path: &Path, key: &AuditKey) -> Result<Vec<Line>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut lines: Vec<Line> = Vec::new();
    for (number, text) in text[..whole].lines().enumerate() {
        let place = format!("line {}", number + 1);
        let line: Line = serde_json::from_str(text).with_context(|| damaged(path, &place))?;
        let previous = lines.last().map_or("", |line| line.mac.as_str());
        if !line.follows(previous, key)? {
            bail!("{}: it was changed, or a line before it is missing", damaged(path, &place));
        }
        lines.push(line);
    }
    Ok(lines)
}

fn damaged(path: &Path, place: &str) -> String {
    format!("the journal of erasures {} is damaged at {place}", path.display())
}

#[cfg(test)]
mod tests {
    use kernel::ids::Uuid;
    use secrecy::SecretSlice;

    use super::*;

    fn key(byte: u8) -> AuditKey {
        AuditKey::new("test", SecretSlice::from(vec![byte; 32]))
    }

    fn erasure(number: u128) -> Erasure {
        Erasure {
            scope: Uuid::from_u128(7),
            subject: Uuid::from_u128(number),
            erased_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        }
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("erasures/journal.jsonl");
        append(&path, &key(1), vec![erasure(1), erasure(2)]).unwrap();
        append(&path, &key(1), vec![erasure(3)]).unwrap();
        (home, path)
    }

    #[test]
    fn what_was_appended_is_read() {
        let (_home, path) = written();
        let found: Vec<Erasure> =
            read(&path, &key(1)).unwrap().into_iter().map(|line| line.erasure).collect();
        assert_eq!(found, [erasure(1), erasure(2), erasure(3)]);
    }

    #[test]
    fn a_line_that_was_changed_moved_or_removed_is_named() {
        let (_home, path) = written();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let edits = [
            ([lines[0], lines[2]].join("\n"), "line 2"),
            ([lines[1], lines[0], lines[2]].join("\n"), "line 1"),
            (text.trim_end().replace("2026", "2025"), "line 1"),
        ];
        for (edit, place) in edits {
            fs::write(&path, edit + "\n").unwrap();
            let said = format!("{:#}", read(&path, &key(1)).unwrap_err());
            assert!(said.contains(place), "{said}");
        }
        fs::write(&path, text).unwrap();
        assert!(read(&path, &key(2)).is_err(), "another key");
    }

    #[test]
    fn half_a_line_is_written_again() {
        let (_home, path) = written();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 20]).unwrap();
        assert_eq!(read(&path, &key(1)).unwrap().len(), 2);
        append(&path, &key(1), vec![erasure(3), erasure(4)]).unwrap();
        assert_eq!(read(&path, &key(1)).unwrap().len(), 4);
    }
}
