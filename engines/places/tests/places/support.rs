//! Imports for tests.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use osm::{Data, Limits};
use places::{Places, Summary};
use tempfile::TempDir;

/// An imported extract.
pub struct Imported {
    pub data: Data,
    pub places: Places,
    pub summary: Summary,
    /// Removed with it.
    pub folder: TempDir,
}

pub fn import(data: Data) -> Imported {
    let folder = TempDir::new().unwrap();
    let mut writer = mapfolder::Writer::begin(folder.path()).unwrap();
    let summary = places::import(&data, &mut writer, &mut |_| {}).unwrap();
    writer.finish(mapfolder::Source::of(&data, "test.osm.pbf")).unwrap();
    let places = Places::open(&mapfolder::Folder::open(folder.path()).unwrap()).unwrap();
    Imported { data, places, summary, folder }
}

fn read(path: &Path) -> Data {
    Data::read(path, &Limits::default(), &mut |_| {}).unwrap()
}

/// The extract that comes with the repository.
pub fn helsinki() -> &'static Imported {
    static HELSINKI: OnceLock<Imported> = OnceLock::new();
    HELSINKI.get_or_init(|| {
        import(read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf"))))
    })
}

/// One of the larger extracts, when they are there.
pub fn extract(name: &str) -> Option<Imported> {
    let folder = std::env::var("DROPMATE_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned());
    let path = PathBuf::from(folder).join("osm").join(format!("{name}.osm.pbf"));
    if !path.exists() {
        println!("skipped: {} is not there (set DROPMATE_DATA)", path.display());
        return None;
    }
    Some(import(read(&path)))
}

/// Proofs are run over more addresses when asked.
pub fn is_full() -> bool {
    std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full")
}
