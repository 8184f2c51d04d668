//! Opens the version in use.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mmap_io::MemoryMappedFile;

use crate::error::Error;
use crate::manifest::{Manifest, Part};
use crate::{CURRENT, MANIFEST, version_folder};

/// A manifest of ten thousand parts is smaller.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;
const MAX_CURRENT_BYTES: u64 = 64;

/// The version that was in use when it was opened. Cheap to clone; every file stays mapped as long as one clone lives,
/// also after a newer version was switched in.
#[derive(Clone, Debug)]
pub struct Folder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    map_dir: PathBuf,
    version_dir: PathBuf,
    manifest: Manifest,
    files: HashMap<String, Bytes>,
}

impl Folder {
    /// Opens and checks the version in use.
    pub fn open(map_dir: &Path) -> Result<Self, Error> {
        let version = current(map_dir)?;
        match Self::open_version(map_dir, &version) {
            // An import may have switched and removed this version between the two steps.
            Err(error) => match current(map_dir)? {
                newer if newer != version => Self::open_version(map_dir, &newer),
                _ => Err(error),
            },
            opened => opened,
        }
    }

    pub(crate) fn open_version(map_dir: &Path, version: &str) -> Result<Self, Error> {
        let version_dir = map_dir.join(version_folder(version));
        let manifest_path = version_dir.join(MANIFEST);
        let bytes = match read_at_most(&manifest_path, MAX_MANIFEST_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoMap(map_dir.to_owned()));
            }
            other => other.map_err(Error::io(&manifest_path))?,
        };
        let manifest = Manifest::parse(&bytes, version)?;
        let mut files = HashMap::new();
        for part in &manifest.parts {
            files.insert(part.name.clone(), open_part(&version_dir, part)?);
        }
        let inner = Inner { map_dir: map_dir.to_owned(), version_dir, manifest, files };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the version says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.inner.manifest
    }

    /// The content of a file, mapped and aligned to at least 64 bytes (a page). Clones share the mapping.
    pub fn map(&self, name: &str) -> Result<Bytes, Error> {
        self.inner.files.get(name).cloned().ok_or_else(|| Error::NoSuchPart(name.to_owned()))
    }

    /// Where a file or a folder of a library is. It is gone once a newer version was switched in.
    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        if self.has(name) {
            Ok(self.inner.version_dir.join(name))
        } else {
            Err(Error::NoSuchPart(name.to_owned()))
        }
    }

    /// There is a file or a folder of this name.
    pub fn has(&self, name: &str) -> bool {
        let inside = |part: &str| part.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        self.inner.files.contains_key(name) || self.inner.files.keys().any(|part| inside(part))
    }

    /// No other version has been switched in since this one was opened.
    pub fn is_current(&self) -> bool {
        current(&self.inner.map_dir).is_ok_and(|version| version == self.inner.manifest.version)
    }
}

/// The id of the version in use.
fn current(map_dir: &Path) -> Result<String, Error> {
    let path = map_dir.join(CURRENT);
    let bytes = match read_at_most(&path, MAX_CURRENT_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let ours = !map_dir.exists() || is_empty_but_for_ours(map_dir);
            let why = if ours { Error::NoMap } else { Error::Foreign };
            return Err(why(map_dir.to_owned()));
        }
        other => other.map_err(Error::io(&path))?,
    };
    let id = String::from_utf8(bytes).unwrap_or_default();
    if id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(id)
    } else {
        Err(Error::Foreign(map_dir.to_owned()))
    }
}

/// A folder in which an import has begun holds hidden names and versions only.
fn is_empty_but_for_ours(map_dir: &Path) -> bool {
    fs::read_dir(map_dir).is_ok_and(|mut entries| {
        entries.all(|entry| {
            entry.is_ok_and(|entry| {
                let name = entry.file_name();
                name.to_string_lossy().starts_with('.') || name.to_string_lossy().starts_with("v-")
            })
        })
    })
}

fn open_part(version_dir: &Path, part: &Part) -> Result<Bytes, Error> {
    let path = version_dir.join(&part.name);
    let length = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::damaged(&part.name, "it is missing"));
        }
        other => other.map_err(Error::io(&path))?.len(),
    };
    if length != part.bytes {
        return Err(Error::damaged(&part.name, "wrong length"));
    }
    let bytes = if length == 0 { Bytes::new() } else { map(&path)? };
    if blake3::hash(&bytes).to_hex().as_str() == part.hash {
        Ok(bytes)
    } else {
        Err(Error::damaged(&part.name, "wrong checksum"))
    }
}

fn map(path: &Path) -> Result<Bytes, Error> {
    let mapped = MemoryMappedFile::open_ro(path).map_err(io::Error::other).map_err(Error::io(path))?;
    Mapped::check(mapped)
        .map(Bytes::from_owner)
        .ok_or_else(|| Error::damaged(&path.to_string_lossy(), "cannot be mapped"))
}

/// A mapping as the owner of [`Bytes`].
struct Mapped(MemoryMappedFile);

impl Mapped {
    fn check(mapped: MemoryMappedFile) -> Option<Self> {
        mapped.as_slice_bytes(0, mapped.len()).is_ok().then(|| Self(mapped))
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice_bytes(0, self.0.len()).expect("the whole mapping was read when it was made")
    }
}

fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is too large to be ours"));
    }
    Ok(bytes)
}
