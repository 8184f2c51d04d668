//! Writes one version and switches to it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::folder::Folder;
use crate::manifest::{Manifest, Part, Source};
use crate::{CURRENT, MANIFEST, name, version_folder};

const BUILDING: &str = ".building";
const LOCK: &str = ".lock";

/// Builds a version. Dropped unfinished it leaves the version in use as it was.
#[derive(Debug)]
pub struct Writer {
    map_dir: PathBuf,
    building: PathBuf,
    names: BTreeSet<String>,
    /// The lock goes with the handle, also when the process dies.
    _lock: File,
}

impl Writer {
    /// Begins a version. [`Error::Busy`] while another import writes into this folder.
    pub fn begin(map_dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(map_dir).map_err(Error::io(map_dir))?;
        let lock_path = map_dir.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(Error::io(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::Busy(map_dir.to_owned()),
            TryLockError::Error(source) => Error::Io { path: lock_path, source },
        })?;
        let building = map_dir.join(BUILDING);
        remove(&building)?;
        fs::create_dir(&building).map_err(Error::io(&building))?;
        Ok(Self { map_dir: map_dir.to_owned(), building, names: BTreeSet::new(), _lock: lock })
    }

    /// Writes one file. A name can be given once.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.claim(name)?;
        let mut file = File::create_new(&path).map_err(Error::io(&path))?;
        file.write_all(bytes).map_err(Error::io(&path))?;
        let mut permissions = file.metadata().map_err(Error::io(&path))?.permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions).map_err(Error::io(&path))
    }

    /// A folder that a library fills itself. It has to be done writing before [`Self::finish`].
    pub fn folder(&mut self, name: &str) -> Result<PathBuf, Error> {
        let path = self.claim(name)?;
        fs::create_dir(&path).map_err(Error::io(&path))?;
        Ok(path)
    }

    /// Checks, writes down and flushes every file, switches to this version and removes the older ones.
    pub fn finish(self, source: Source) -> Result<Manifest, Error> {
        let mut parts = Vec::new();
        seal(&self.building, "", &mut parts)?;
        let manifest = Manifest::new(source, parts);
        write_flushed(&self.building.join(MANIFEST), &manifest.to_bytes())?;
        flush(&self.building)?;
        self.place(&manifest)?;
        let next = self.map_dir.join(".current");
        write_flushed(&next, manifest.version.as_bytes())?;
        let current = self.map_dir.join(CURRENT);
        fs::rename(&next, &current).map_err(Error::io(&current))?;
        flush(&self.map_dir)?;
        self.remove_others(&manifest.version)?;
        Ok(manifest)
    }

    /// The same import again gives the same id: then what is there already stays, if it is whole.
    fn place(&self, manifest: &Manifest) -> Result<(), Error> {
        let target = self.map_dir.join(version_folder(&manifest.version));
        if target.exists() {
            if Folder::open_version(&self.map_dir, &manifest.version).is_ok() {
                return remove(&self.building);
            }
            remove(&target)?;
        }
        fs::rename(&self.building, &target).map_err(Error::io(&target))
    }

    /// Whoever has an older version open keeps its files mapped until it opens the new one.
    fn remove_others(&self, version: &str) -> Result<(), Error> {
        let keep = version_folder(version);
        for entry in fs::read_dir(&self.map_dir).map_err(Error::io(&self.map_dir))? {
            let entry = entry.map_err(Error::io(&self.map_dir))?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("v-") && name.to_string_lossy() != keep {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn claim(&mut self, name: &str) -> Result<PathBuf, Error> {
        name::check(name)?;
        if !self.names.insert(name.to_owned()) {
            return Err(Error::BadName(name.to_owned()));
        }
        let path = self.building.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        Ok(path)
    }
}

/// Describes and flushes every file below. Lock files of libraries are not part of the map.
fn seal(folder: &Path, prefix: &str, parts: &mut Vec<Part>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(Error::io(&path))?.is_dir() {
            seal(&path, &format!("{name}/"), parts)?;
            flush(&path)?;
        } else if path.extension().is_none_or(|extension| extension != "lock") {
            name::check(&name)?;
            let mut hasher = blake3::Hasher::new();
            let mut file = File::open(&path).map_err(Error::io(&path))?;
            let bytes = io::copy(&mut file, &mut hasher).map_err(Error::io(&path))?;
            file.sync_all().map_err(Error::io(&path))?;
            parts.push(Part { name, bytes, hash: hasher.finalize().to_hex().to_string() });
        }
    }
    Ok(())
}

fn write_flushed(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = File::create(path).map_err(Error::io(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io(path))
}

/// Flushes a folder, so that the names in it survive a power cut.
fn flush(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(folder)(error)),
        _ => Ok(()),
    }
}
