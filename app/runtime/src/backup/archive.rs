//! The tar file: written with checksums on the way, unpacked with nothing believed.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::manifest::{FORMAT, Manifest, Part};
use super::{CONFIG, DUMP, FILES, KEYS, MANIFEST};

/// Writes everything and the manifest, which it completes.
pub(super) fn pack(
    tar: &Path,
    dump: &Path,
    keys: &Path,
    folder: &Path,
    mut manifest: Manifest,
) -> Result<Manifest> {
    manifest.key_file = Some(measure(keys)?);
    let out = OpenOptions::new().write(true).truncate(true).open(tar)?;
    let mut builder = tar::Builder::new(out);
    manifest.parts.push(append(&mut builder, DUMP, dump)?);
    let config = folder.join(CONFIG);
    if config.is_file() {
        manifest.parts.push(append(&mut builder, CONFIG, &config)?);
    }
    for path in files_below(&folder.join(FILES))? {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        let name =
            relative.to_str().with_context(|| format!("{} has a name that is not text", path.display()))?;
        match append(&mut builder, name, &path) {
            Ok(part) => manifest.parts.push(part),
            // Written under a draft's name and renamed, or deleted, since the folder was listed: no file of the snapshot,
            // which is older and whose files were all in place before it.
            Err(_gone) if !path.exists() => {}
            Err(error) => return Err(error),
        }
    }
    let text = serde_json::to_vec_pretty(&manifest)?;
    let mut header = header(u64::try_from(text.len())?);
    builder.append_data(&mut header, MANIFEST, text.as_slice())?;
    builder.into_inner()?.sync_all()?;
    Ok(manifest)
}

/// Size and checksum of a file, which is on the disk afterwards.
pub(crate) fn measure(path: &Path) -> Result<Part> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    file.sync_all()?;
    let mut reader = Hashing { inner: file, hash: Sha256::new(), bytes: 0 };
    io::copy(&mut reader, &mut io::sink())?;
    Ok(Part { name: KEYS.to_owned(), bytes: reader.bytes, sha256: hex::encode(reader.hash.finalize()) })
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

fn append(builder: &mut tar::Builder<File>, name: &str, path: &Path) -> Result<Part> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let bytes = file.metadata()?.len();
    let mut reader = Hashing { inner: file.take(bytes), hash: Sha256::new(), bytes: 0 };
    builder.append_data(&mut header(bytes), name, &mut reader)?;
    if reader.bytes != bytes {
        bail!("{} became shorter while it was copied; try again", path.display());
    }
    Ok(Part { name: name.to_owned(), bytes, sha256: hex::encode(reader.hash.finalize()) })
}

/// Regular files below a folder, sorted; links and the like are not followed.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", folder.display())),
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(files_below(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// An unpacked and checked backup.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub manifest: Manifest,
    /// The folder with the parts.
    pub folder: PathBuf,
}

/// Unpacks into `folder`, which must not exist, and compares every part with the manifest.
pub(crate) fn unpack(file: &Path, folder: &Path) -> Result<Unpacked> {
    let archive = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    DirBuilder::new().mode(0o700).create(folder)?;
    let mut seen = Vec::new();
    let mut manifest: Option<Manifest> = None;
    let not_ours = || format!("{} is not a backup of DropMate, or it is damaged", file.display());
    for entry in tar::Archive::new(archive).entries().with_context(not_ours)? {
        let mut entry = entry.with_context(not_ours)?;
        let path = entry.path().with_context(not_ours)?.into_owned();
        let name = path.to_str().filter(|_| is_known(&path)).with_context(not_ours)?.to_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            bail!("{}: {name} is not a plain file", not_ours());
        }
        if name == MANIFEST {
            let mut text = String::new();
            entry.read_to_string(&mut text).with_context(not_ours)?;
            manifest = Some(serde_json::from_str(&text).with_context(not_ours)?);
            continue;
        }
        seen.push(extract(&mut entry, &folder.join(&path), name).with_context(not_ours)?);
    }
    let manifest = manifest.with_context(|| format!("{}: its end is missing", not_ours()))?;
    check(&manifest, seen)?;
    Ok(Unpacked { manifest, folder: folder.to_owned() })
}

/// Only names that [`pack`] writes: a path cannot leave the folder.
fn is_known(path: &Path) -> bool {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain && ([DUMP, CONFIG, MANIFEST].iter().any(|name| path == Path::new(name)) || path.starts_with(FILES))
}

fn extract(entry: &mut impl Read, to: &Path, name: String) -> Result<Part> {
    if let Some(parent) = to.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let mut reader = Hashing { inner: entry, hash: Sha256::new(), bytes: 0 };
    io::copy(&mut reader, &mut out)?;
    out.flush()?;
    out.sync_all()?;
    Ok(Part { name, bytes: reader.bytes, sha256: hex::encode(reader.hash.finalize()) })
}

fn check(manifest: &Manifest, mut seen: Vec<Part>) -> Result<()> {
    if manifest.format != FORMAT {
        bail!(
            "this backup has format {}, this build reads {FORMAT}: use DropMate {}",
            manifest.format,
            manifest.dropmate
        );
    }
    let mut written = manifest.parts.clone();
    written.sort_by(|a, b| a.name.cmp(&b.name));
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    for part in &written {
        match seen.iter().find(|found| found.name == part.name) {
            None => bail!("the backup is damaged: {} is missing", part.name),
            Some(found) if found != part => {
                bail!("the backup is damaged: {} has another checksum", part.name)
            }
            Some(_) => {}
        }
    }
    if seen.len() != written.len() {
        bail!("the backup holds files that its manifest does not name");
    }
    if !written.iter().any(|part| part.name == DUMP) {
        bail!("the backup holds no database");
    }
    Ok(())
}

struct Hashing<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::keys::KeyIds;

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            dropmate: "0".to_owned(),
            postgres: "15".to_owned(),
            made_at: String::new(),
            schemas: BTreeMap::new(),
            keys: KeyIds { master: "m".to_owned(), audit: "a".to_owned() },
            epoch: 1,
            next_offset: 1,
            key_file: None,
            parts: Vec::new(),
        }
    }

    fn packed(home: &Path) -> PathBuf {
        let data = home.join("data");
        std::fs::create_dir_all(data.join("files/a")).unwrap();
        std::fs::create_dir_all(data.join("secrets")).unwrap();
        std::fs::write(data.join("files/a/photo"), "photo").unwrap();
        std::fs::write(data.join("secrets/master-key"), "secret").unwrap();
        std::fs::write(home.join("dump"), "rows").unwrap();
        let tar = home.join("b.tar");
        File::create(&tar).unwrap();
        std::fs::write(home.join("keys"), "wrapped").unwrap();
        let parts = pack(&tar, &home.join("dump"), &home.join("keys"), &data, manifest()).unwrap().parts;
        assert_eq!(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), [DUMP, "files/a/photo"]);
        tar
    }

    #[test]
    fn what_was_packed_comes_back_without_the_secrets() {
        let home = tempfile::tempdir().unwrap();
        let tar = packed(home.path());
        let unpacked = unpack(&tar, &home.path().join("out")).unwrap();
        assert_eq!(std::fs::read_to_string(unpacked.folder.join("files/a/photo")).unwrap(), "photo");
        assert!(!String::from_utf8_lossy(&std::fs::read(&tar).unwrap()).contains("secret"));
    }

    #[test]
    fn every_damage_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let tar = packed(home.path());
        let whole = std::fs::read(&tar).unwrap();
        let at = whole.windows(4).position(|window| window == b"rows").unwrap();
        let mut changed = whole.clone();
        changed[at] ^= 1;
        for (number, damaged) in
            [changed, whole[..whole.len() / 2].to_vec(), b"nothing".to_vec()].iter().enumerate()
        {
            std::fs::write(&tar, damaged).unwrap();
            let out = home.path().join(format!("out{number}"));
            assert!(unpack(&tar, &out).is_err(), "damage {number}");
        }
    }

    #[test]
    fn a_path_cannot_leave_the_folder() {
        for bad in ["../x", "/etc/passwd", "files/../../x", "secrets/master-key", "other"] {
            assert!(!is_known(Path::new(bad)), "{bad}");
        }
        assert!(is_known(Path::new("files/a/b")));
    }
}
