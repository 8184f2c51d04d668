//! Contents in a folder of this machine.
//!
//! A content is written beside its place, flushed, renamed, and the folder is flushed (`fsync` of file and folder): after a
//! power cut it is there complete or not at all. Folders are 0700, files 0600, and no link is followed.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use kernel::ids::Uuid;
use kernel::random::Random;
use nix::fcntl::OFlag;

use super::ObjectName;
use super::store::{FileStore, MAX_CONTENT};
use crate::db::BoxFuture;
use crate::{Error, Result};

/// Where contents are written before they get their name.
const PARTIAL: &str = ".partial";
/// Older leftovers belong to a process that is gone.
const LEFTOVER: Duration = Duration::from_hours(1);

/// A folder as a store.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    random: Random,
}

impl Folder {
    /// A store in this folder, which is created with the first content. Removes what interrupted writes left behind.
    pub fn new(root: PathBuf, random: Random) -> Self {
        let store = Self { root, random };
        store.tidy();
        store
    }

    fn path(&self, name: &ObjectName) -> PathBuf {
        let mut path = self.root.clone();
        path.extend(name.folders());
        path.join(name.leaf())
    }

    /// What cannot be removed is in nobody's way.
    fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(self.root.join(PARTIAL)) else { return };
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > LEFTOVER) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn write(&self, name: &ObjectName, content: &[u8]) -> io::Result<()> {
        let partial = self.root.join(PARTIAL);
        folders(&self.root, &[PARTIAL.to_owned()])?;
        folders(&self.root, &name.folders())?;
        let draft = partial.join(Uuid::from_u128(u128::from_be_bytes(self.random.bytes())).to_string());
        let written = fill(&draft, content).and_then(|()| publish(&draft, &self.path(name)));
        if written.is_err() {
            // The draft is ours alone; one that stays is swept after an hour.
            let _ = std::fs::remove_file(&draft);
        }
        written
    }
}

fn fill(draft: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(content)?;
    file.sync_all()
}

fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(draft, path)?;
    flush_folder(path.parent().unwrap_or(path))
}

fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates folders below `root`, and `root` itself; each new name is flushed in the folder that holds it.
fn folders(root: &Path, names: &[String]) -> io::Result<()> {
    let mut folder = root.to_path_buf();
    let create = |folder: &Path| match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => folder.parent().map_or(Ok(()), flush_folder),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    };
    create(&folder)?;
    for name in names {
        folder.push(name);
        create(&folder)?;
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Option<Bytes>> {
    let opened = OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let limit = u64::try_from(MAX_CONTENT).unwrap_or(u64::MAX);
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() > MAX_CONTENT {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "larger than anything that is stored"));
    }
    Ok(Some(Bytes::from(content)))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => flush_folder(path.parent().unwrap_or(path)),
    }
}

impl FileStore for Folder {
    fn put<'a>(&'a self, name: &'a ObjectName, content: Bytes) -> BoxFuture<'a, Result<()>> {
        let (store, name) = (self.clone(), name.clone());
        blocking(move || store.write(&name, &content))
    }

    fn get<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Option<Bytes>>> {
        let path = self.path(name);
        blocking(move || read(&path))
    }

    fn delete<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<()>> {
        let path = self.path(name);
        blocking(move || remove(&path))
    }

    fn reach(&self) -> BoxFuture<'_, Result<()>> {
        let root = self.root.clone();
        // Whether it can be written is known by writing only; here it is enough that it is a folder we may enter.
        blocking(move || match std::fs::read_dir(root) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        })
    }
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> BoxFuture<'static, Result<T>> {
    Box::pin(async move {
        let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
        done.map_err(|error| Error::unavailable("file store").with_source(error))
    })
}
