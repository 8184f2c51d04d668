//! The map that was imported, as far as it is open: addresses and pictures.
//!
//! It is opened when somebody asks for the first time and looked after every few seconds, so that an import takes effect without
//! a new start. Without one, or with one that cannot be opened, everything else goes on.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mapfolder::Folder;
use places::Places;
use platform::service::MapFiles;
use platform::{Error, Kind, Result};
use tiles::{Archive, Cached, TileSource, Tiles};

/// How often is looked whether there is another map.
const LOOK: Duration = Duration::from_secs(5);
/// Pictures that were asked for last are kept, packed.
const CACHE_BYTES: u64 = 32 << 20;

/// Where the map is, and what is open of it.
pub struct Atlas {
    files: MapFiles,
    state: Mutex<State>,
}

impl std::fmt::Debug for Atlas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Atlas").field("files", &self.files).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    looked: Option<Instant>,
    folder: Option<Folder>,
    places: Option<Arc<Places>>,
    /// Of the owner's archive, else of the import.
    tiles: Option<Arc<Cached>>,
    archive: Option<Arc<Cached>>,
    /// The archive that was looked at last, opened or refused.
    seen: Option<Seen>,
}

/// Tells a file from the one that takes its place; `None`: there is none.
type Seen = Option<(SystemTime, u64)>;

/// What is open at a moment.
#[derive(Clone)]
pub struct Charts {
    /// Addresses of the import.
    pub places: Option<Arc<Places>>,
    /// Pictures.
    pub tiles: Option<Arc<Cached>>,
}

impl Atlas {
    /// Nothing is opened yet.
    pub fn new(files: MapFiles) -> Self {
        Self { files, state: Mutex::default() }
    }

    /// What there is. Opening reads files: not on a thread that serves requests.
    fn look(&self) -> Charts {
        let state = self.looked();
        Charts { places: state.places.clone(), tiles: state.archive.clone().or_else(|| state.tiles.clone()) }
    }

    fn looked(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            state.looked = Some(Instant::now());
            if let Some(folder) = &self.files.folder
                && let Err(error) = refresh(&mut state, folder)
            {
                tracing::warn!(cause = %error, "the map cannot be opened; what was open stays in use");
            }
            if let Some(file) = &self.files.pmtiles {
                refresh_archive(&mut state, file);
            }
        }
        state
    }

    /// Asks what is open, beside the threads that serve requests.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(Charts) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let atlas = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || question(atlas.look())).await;
        answer.map_err(|error| Error::internal("the map").with_source(error))?
    }
}

impl Charts {
    /// The addresses, or the word that there are none.
    pub fn places(&self) -> Result<&Places> {
        self.places.as_deref().ok_or_else(missing)
    }
}

/// What is said where nothing was imported.
pub fn missing() -> Error {
    let text = "This installation has no map yet. Whoever runs it makes one with `dropmate map import FILE.osm.pbf`.";
    Error::new(Kind::NotFound, "map_missing", text)
}

fn refresh(state: &mut State, dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    if state.folder.as_ref().is_some_and(Folder::is_current) || !dir.exists() {
        return Ok(());
    }
    let folder = Folder::open(dir)?;
    let (places, tiles) = (Places::open(&folder)?, Tiles::open(&folder)?);
    (state.places, state.tiles, state.folder) = (Some(Arc::new(places)), Some(cached(tiles)), Some(folder));
    Ok(())
}

/// Opens the owner's archive, and another one that has taken its place. One that is refused is told of once.
fn refresh_archive(state: &mut State, file: &Path) {
    let seen = std::fs::metadata(file).and_then(|found| Ok((found.modified()?, found.len()))).ok();
    if state.seen.replace(seen) == Some(seen) {
        return;
    }
    match Archive::open(file) {
        Ok(archive) => state.archive = Some(cached(archive)),
        Err(error) => tracing::warn!(
            file = %file.display(),
            cause = %error,
            "the archive that map.pmtiles names cannot be used; what was open stays in use"
        ),
    }
}

fn cached(source: impl TileSource + 'static) -> Arc<Cached> {
    Arc::new(Cached::new(Arc::new(source), CACHE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by the reference writer (`engines/tiles/tests/archive/make.py`).
    const ARCHIVE: &[u8] = include_bytes!("../../../engines/tiles/tests/archive/town.pmtiles");

    fn is_open(state: &mut State, file: &Path) -> bool {
        refresh_archive(state, file);
        state.archive.is_some()
    }

    #[test]
    fn an_archive_is_opened_when_it_comes_and_one_that_is_cut_off_does_not_take_its_place() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("city.pmtiles");
        let mut state = State::default();
        assert!(!is_open(&mut state, &file), "there is none yet");
        std::fs::write(&file, &ARCHIVE[..ARCHIVE.len() / 2]).unwrap();
        assert!(!is_open(&mut state, &file), "it is being copied");
        std::fs::write(&file, ARCHIVE).unwrap();
        assert!(is_open(&mut state, &file));
        let first = state.archive.clone().unwrap();
        refresh_archive(&mut state, &file);
        assert!(Arc::ptr_eq(&first, state.archive.as_ref().unwrap()), "it is the same");
        let other = home.path().join("other");
        std::fs::write(&other, &ARCHIVE[..100]).unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert!(is_open(&mut state, &file));
        assert!(Arc::ptr_eq(&first, state.archive.as_ref().unwrap()), "what was open stays in use");
        std::fs::write(&other, ARCHIVE).unwrap();
        std::fs::File::options()
            .write(true)
            .open(&other)
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
        std::fs::rename(&other, &file).unwrap();
        refresh_archive(&mut state, &file);
        assert!(!Arc::ptr_eq(&first, state.archive.as_ref().unwrap()), "another one took its place");
    }
}
