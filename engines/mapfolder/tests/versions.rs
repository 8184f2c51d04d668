//! A map folder is switched in whole or not at all, and what was changed afterwards is refused.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use mapfolder::{Error, FORMAT, Folder, Source, Writer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn source() -> Source {
    let data = osm::Data::builder().node(1, 60.0, 24.0, &[]).node(2, 61.0, 25.0, &[]).build();
    Source::of(&data, "town.osm.pbf")
}

fn import(map_dir: &Path, content: &[u8]) -> String {
    let mut writer = Writer::begin(map_dir).unwrap();
    writer.put("roads/car.graph", content).unwrap();
    writer.put("empty", b"").unwrap();
    let search = writer.folder("search").unwrap();
    fs::write(search.join("segment.idx"), b"index").unwrap();
    fs::write(search.join("writer.lock"), b"").unwrap();
    writer.finish(source()).unwrap().version
}

fn version_file(map_dir: &Path, name: &str) -> std::path::PathBuf {
    let version = fs::read_to_string(map_dir.join("current")).unwrap();
    map_dir.join(format!("v-{version}")).join(name)
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_was_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), b"graph");
    let folder = Folder::open(dir.path()).unwrap();
    let mapped = folder.map("roads/car.graph").unwrap();
    assert_eq!(&mapped[..], b"graph");
    assert_eq!(mapped.as_ptr().align_offset(64), 0);
    assert!(folder.map("empty").unwrap().is_empty());
    assert!(
        folder.has("search") && folder.has("roads/car.graph") && !folder.has("road") && !folder.has("tiles")
    );
    assert_eq!(fs::read(folder.path("search").unwrap().join("segment.idx")).unwrap(), b"index");
    assert!(matches!(folder.map("roads/foot.graph"), Err(Error::NoSuchPart(_))));
    assert!(matches!(folder.path("tiles"), Err(Error::NoSuchPart(_))));
    let manifest = folder.manifest();
    assert_eq!(manifest.source, source());
    assert_eq!(manifest.source.bounds().max, osm::Point::from_degrees(61.0, 25.0));
    assert_eq!(manifest.parts.len(), 3, "lock files of libraries are not parts");
}

#[test]
fn a_newer_version_is_switched_in_while_the_older_one_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let old_version = import(dir.path(), b"old");
    let old = Folder::open(dir.path()).unwrap();
    assert!(old.is_current());
    let new_version = import(dir.path(), b"new");
    assert_ne!(old_version, new_version);
    assert!(!old.is_current());
    assert_eq!(&old.map("roads/car.graph").unwrap()[..], b"old");
    assert_eq!(&Folder::open(dir.path()).unwrap().map("roads/car.graph").unwrap()[..], b"new");
    assert!(!dir.path().join(format!("v-{old_version}")).exists());
}

#[test]
fn the_same_import_again_is_the_same_version() {
    let dir = tempfile::tempdir().unwrap();
    let first = import(dir.path(), b"graph");
    let open = Folder::open(dir.path()).unwrap();
    assert_eq!(import(dir.path(), b"graph"), first);
    assert!(open.is_current());
    overwrite(&version_file(dir.path(), "roads/car.graph"), b"grapX");
    import(dir.path(), b"graph");
    assert!(Folder::open(dir.path()).is_ok(), "a damaged version is replaced by the same import");
}

#[test]
fn an_import_that_stops_half_way_leaves_the_version_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::begin(dir.path()).unwrap();
    writer.put("roads/car.graph", b"half").unwrap();
    drop(writer);
    assert!(matches!(Folder::open(dir.path()), Err(Error::NoMap(_))));
    import(dir.path(), b"whole");
    let mut writer = Writer::begin(dir.path()).unwrap();
    writer.put("roads/car.graph", b"half").unwrap();
    drop(writer);
    assert_eq!(&Folder::open(dir.path()).unwrap().map("roads/car.graph").unwrap()[..], b"whole");
}

#[test]
fn two_imports_at_once_and_two_parts_of_one_name_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::begin(dir.path()).unwrap();
    assert!(matches!(Writer::begin(dir.path()), Err(Error::Busy(_))));
    writer.put("a", b"").unwrap();
    assert!(matches!(writer.put("a", b""), Err(Error::BadName(_))));
    assert!(matches!(writer.put("../a", b""), Err(Error::BadName(_))));
    drop(writer);
    assert!(Writer::begin(dir.path()).is_ok());
}

#[test]
fn a_folder_of_something_else_and_no_folder_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Folder::open(&dir.path().join("nowhere")), Err(Error::NoMap(_))));
    assert!(matches!(Folder::open(dir.path()), Err(Error::NoMap(_))));
    fs::write(dir.path().join("holiday.jpg"), b"").unwrap();
    assert!(matches!(Folder::open(dir.path()), Err(Error::Foreign(_))));
    fs::write(dir.path().join("current"), b"../../../etc/pass").unwrap();
    assert!(matches!(Folder::open(dir.path()), Err(Error::Foreign(_))));
}

#[test]
fn changed_shortened_and_missing_files_are_refused_by_name() {
    let message = |change: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        import(dir.path(), b"graph");
        change(&version_file(dir.path(), "roads/car.graph"));
        Folder::open(dir.path()).unwrap_err().to_string()
    };
    assert!(message(&|file| overwrite(file, b"grapX")).contains("roads/car.graph: wrong checksum"));
    assert!(message(&|file| overwrite(file, b"grap")).contains("roads/car.graph: wrong length"));
    assert!(message(&|file| fs::remove_file(file).unwrap()).contains("roads/car.graph: it is missing"));
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), b"graph");
    let manifest = version_file(dir.path(), "manifest.json");
    let newer = fs::read_to_string(&manifest).unwrap().replace("\"format\": 1", "\"format\": 99");
    overwrite(&manifest, newer.as_bytes());
    let refused = Folder::open(dir.path()).unwrap_err();
    assert!(matches!(refused, Error::NewerFormat { found: 99, known: FORMAT }), "{refused}");
}

/// Any changed byte of any file is noticed.
#[test]
fn proof_no_change_goes_unnoticed() {
    let rounds =
        if std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full") { 5_000 } else { 200 };
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), &[7; 3_000]);
    for round in 0..rounds {
        let name = ["roads/car.graph", "search/segment.idx", "manifest.json"][round % 3];
        let path = version_file(dir.path(), name);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        let at = random.random_range(0..bad.len());
        bad[at] ^= 1 << random.random_range(0..8);
        if random.random_bool(0.3) {
            bad.truncate(at);
        }
        overwrite(&path, &bad);
        assert!(Folder::open(dir.path()).is_err(), "{name} at {at}");
        overwrite(&path, &good);
    }
    assert!(Folder::open(dir.path()).is_ok());
}
