//! An archive that the reference writer of PMTiles has made (`tests/archive/make.py`), with leaf directories.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tiles::{Archive, Tile, TileSource};

/// Up to here all tiles are asked for, deeper ones only where the area is.
const ALL: u8 = 7;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archive").join(name)
}

/// Column and row of a position.
fn tile_of(lon: f64, lat: f64, zoom: u8) -> (u32, u32) {
    let side = f64::from(1_u32 << zoom);
    let row = (1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0;
    let whole = |part: f64| format!("{:.0}", (part * side).floor()).parse().unwrap();
    (whole((lon + 180.0) / 360.0), whole(row))
}

fn window(zoom: u8, [west, south, east, north]: [f64; 4]) -> (RangeInclusive<u32>, RangeInclusive<u32>) {
    if zoom <= ALL {
        let last = (1 << zoom) - 1;
        return (0..=last, 0..=last);
    }
    let ((left, top), (right, bottom)) = (tile_of(west, north, zoom), tile_of(east, south, zoom));
    (left..=right, top..=bottom)
}

/// A line of `town.tiles` from what is read here: how many tiles a zoom has, and the sum over them.
fn line(archive: &Archive, zoom: u8, bounds: [f64; 4]) -> String {
    let (columns, rows) = window(zoom, bounds);
    let (mut sum, mut count) = (blake3::Hasher::new(), 0);
    for x in columns {
        for y in rows.clone() {
            let Some(tile) = archive.tile(zoom, x, y).unwrap() else { continue };
            let Tile::Gzip(bytes) = tile else { panic!("{zoom}/{x}/{y} is not packed") };
            count += 1;
            sum.update(&[zoom]).update(&x.to_le_bytes()).update(&y.to_le_bytes());
            sum.update(&u32::try_from(bytes.len()).unwrap().to_le_bytes()).update(&bytes);
        }
    }
    format!("{zoom} {count} {}", sum.finalize())
}

#[test]
fn all_tiles_of_the_reference_writer_are_read_byte_for_byte_also_through_leaves() {
    let archive = Archive::open(&fixture("town.pmtiles")).unwrap();
    let bounds = archive.tile_json("")["bounds"].clone();
    let bounds: [f64; 4] = std::array::from_fn(|side| bounds[side].as_f64().unwrap());
    let wanted = fs::read_to_string(fixture("town.tiles")).unwrap();
    assert_eq!(wanted.lines().count(), 15);
    for (zoom, wanted) in (0..).zip(wanted.lines()) {
        assert_eq!(line(&archive, zoom, bounds), wanted);
    }
}

#[test]
fn its_area_zooms_layers_and_whose_data_it_is_are_told() {
    let told = Archive::open(&fixture("town.pmtiles")).unwrap().tile_json("/t/{z}/{x}/{y}");
    assert_eq!(told["bounds"], serde_json::json!([24.935_176_2, 60.164_155, 24.953_414_6, 60.179_112_9]));
    assert_eq!((&told["minzoom"], &told["maxzoom"]), (&0.into(), &14.into()));
    assert_eq!(
        (&told["name"], &told["attribution"]),
        (&"Town".into(), &"© OpenStreetMap contributors".into())
    );
    assert!(told["vector_layers"].as_array().unwrap().iter().any(|layer| layer["id"] == "roads"));
}

#[test]
fn one_that_is_cut_off_anywhere_is_refused() {
    let whole = fs::read(fixture("town.pmtiles")).unwrap();
    for length in [0, 126, 127, 4_000, whole.len() / 2, whole.len() - 1] {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), &whole[..length]).unwrap();
        let refusal = Archive::open(file.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            refusal.contains("too short") || refusal.contains("not copied to its end"),
            "{length}: {refusal}"
        );
    }
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let extract = Archive::open(&super::support::helsinki()).err().unwrap().to_string();
    assert!(extract.contains("it is not a PMTiles file"), "{extract}");
}
