use std::io::Write;

use rand::{RngExt, SeedableRng};
use tempfile::NamedTempFile;

use super::*;
use crate::source::gzip;

fn number(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7F) as u8);
}

fn directory(entries: &[(u64, u32, u64, u32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    number(&mut bytes, entries.len() as u64);
    let mut last = 0;
    for entry in entries {
        number(&mut bytes, entry.0 - last);
        last = entry.0;
    }
    for entry in entries {
        number(&mut bytes, entry.1.into());
    }
    for entry in entries {
        number(&mut bytes, entry.3.into());
    }
    for entry in entries {
        number(&mut bytes, entry.2 + 1);
    }
    gzip(&bytes).unwrap()
}

/// Zoom 0 in the root, zoom 1 in a leaf where the first three tiles are the same.
fn archive() -> Vec<u8> {
    let tiles = [gzip(b"world").unwrap(), gzip(b"three").unwrap(), gzip(b"fourth").unwrap()];
    let length = |index: usize| u32::try_from(tiles[index].len()).unwrap();
    let (second, third) = (u64::from(length(0)), u64::from(length(0) + length(1)));
    let leaf = directory(&[(1, 3, second, length(1)), (4, 1, third, length(2))]);
    let root = directory(&[(0, 1, 0, length(0)), (1, 0, 0, u32::try_from(leaf.len()).unwrap())]);
    let metadata = gzip(br#"{"name":"Town","attribution":"<a href='x'>Me</a>"}"#).unwrap();
    let data = tiles.concat();
    let mut bytes = b"PMTiles\x03".to_vec();
    let mut at = header::BYTES as u64;
    for part in [&root, &metadata, &leaf, &data] {
        bytes.extend(at.to_le_bytes());
        bytes.extend((part.len() as u64).to_le_bytes());
        at += part.len() as u64;
    }
    bytes.extend([0; 24]);
    bytes.extend([1, 2, 2, 1, 0, 1]);
    for e7 in [249_000_000_i32, 601_000_000, 250_000_000, 602_000_000] {
        bytes.extend(e7.to_le_bytes());
    }
    bytes.push(1);
    for e7 in [249_500_000_i32, 601_500_000] {
        bytes.extend(e7.to_le_bytes());
    }
    assert_eq!(bytes.len(), header::BYTES);
    for part in [root, metadata, leaf, data] {
        bytes.extend(&part);
    }
    bytes
}

fn open(bytes: &[u8]) -> Result<Archive, Error> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Archive::open(file.path())
}

fn text(archive: &Archive, z: u8, x: u32, y: u32) -> Option<Vec<u8>> {
    archive.tile(z, x, y).unwrap().map(|tile| tile.plain().unwrap().to_vec())
}

#[test]
fn tiles_are_found_in_the_root_and_in_leaves() {
    let archive = open(&archive()).unwrap();
    assert_eq!(text(&archive, 0, 0, 0).unwrap(), b"world");
    assert_eq!(text(&archive, 1, 1, 1).unwrap(), b"three");
    assert_eq!(text(&archive, 1, 1, 0).unwrap(), b"fourth");
    assert_eq!(text(&archive, 2, 0, 0), None);
    assert_eq!(text(&archive, 200, u32::MAX, 0), None);
}

#[test]
fn the_tile_json_tells_the_area_and_names_openstreetmap_without_markup() {
    let json = open(&archive()).unwrap().tile_json("/t/{z}/{x}/{y}");
    assert_eq!(json["name"], "Town");
    assert_eq!(json["attribution"], "Me © OpenStreetMap contributors");
    assert_eq!(json["bounds"], serde_json::json!([24.9, 60.1, 25.0, 60.2]));
    assert_eq!(json["maxzoom"], 1);
}

#[test]
fn an_archive_of_pictures_or_of_another_version_or_packing_is_refused_with_the_reason() {
    let refusal = |at: usize, value: u8| {
        let mut bytes = archive();
        bytes[at] = value;
        open(&bytes).err().unwrap().to_string()
    };
    assert!(refusal(0, b'X').contains("not a PMTiles file"));
    assert!(refusal(7, 2).contains("version 3"));
    assert!(refusal(98, 3).contains("compression"));
    assert!(refusal(99, 2).contains("vector tiles"));
    assert!(open(b"PMTiles\x03").err().unwrap().to_string().contains("too short"));
    let whole = archive();
    let cut = open(&whole[..whole.len() - 1]).err().unwrap().to_string();
    assert!(cut.contains("not copied to its end"), "{cut}");
}

#[test]
fn an_archive_of_another_schema_is_told_from_one_of_the_basemap() {
    let layers = |names: &[&str]| {
        let layers: Vec<_> = names.iter().map(|name| json!({ "id": name })).collect();
        has_known_layers(&json!({ "vector_layers": layers }))
    };
    assert!(layers(&["buildings", "roads"]));
    assert!(!layers(&["transportation", "waterway", "building"]), "OpenMapTiles");
    assert!(layers(&[]) && has_known_layers(&Value::Null), "who knows");
}

#[test]
fn a_leaf_that_points_to_itself_is_given_up() {
    let mut bytes = archive();
    // The root names the leaf part; made to start at the root itself, a search for zoom 1 comes back to it.
    let root: [u8; 8] = bytes[8..16].try_into().unwrap();
    let root_length = u64::from_le_bytes(bytes[16..24].try_into().unwrap());
    let looping = directory(&[(0, 0, 0, u32::try_from(root_length).unwrap())]);
    if looping.len() as u64 <= root_length {
        bytes[40..48].copy_from_slice(&root);
        let start = usize::try_from(u64::from_le_bytes(root)).unwrap();
        bytes[start..start + looping.len()].copy_from_slice(&looping);
    }
    let archive = open(&bytes).unwrap();
    assert!(archive.tile(1, 0, 0).is_err());
}

#[test]
fn flipped_and_cut_bytes_are_errors_and_never_a_panic() {
    let whole = archive();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let mut refused = 0;
    for round in 0..600 {
        let mut bytes = whole.clone();
        if round % 3 == 0 {
            bytes.truncate(random.random_range(0..whole.len()));
        }
        for _ in 0..2 {
            let length = bytes.len();
            if let Some(byte) = bytes.get_mut(random.random_range(0..length.max(1))) {
                *byte = random.random();
            }
        }
        match open(&bytes) {
            Err(_) => refused += 1,
            Ok(archive) => {
                for (z, x, y) in [(0, 0, 0), (1, 0, 0), (1, 1, 0), (9, 300, 200)] {
                    let _ = archive.tile(z, x, y).and_then(|tile| tile.map(|tile| tile.plain()).transpose());
                }
                archive.tile_json("x");
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
