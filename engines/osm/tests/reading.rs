//! Real extracts are read completely; damaged and hostile ones are refused without a panic.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use osm::{Bounds, Data, Limits, Point, ReadError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf");

fn read(path: &Path) -> Result<Data, ReadError> {
    Data::read(path, &Limits::default(), &mut |_| {})
}

fn read_bytes(bytes: &[u8]) -> Result<Data, ReadError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read(file.path())
}

fn extract(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DROPMATE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = folder.join("osm").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn the_demo_extract_is_read_completely() {
    let mut last = 0.0;
    let data = Data::read(Path::new(DEMO), &Limits::default(), &mut |share| last = share).unwrap();
    assert!((last - 1.0).abs() < f32::EPSILON);
    assert_eq!(data.node_count(), 24_260);
    assert_eq!(data.ways().count(), 5_130);
    assert_eq!(data.ways().filter(|way| way.tags.get("highway").is_some()).count(), 2_650);
    assert_eq!(data.header().hash.len(), 64);
    assert!(data.bounds().contains(Point::from_degrees(60.17, 24.94)));
    let restrictions = data.relations().filter(|relation| relation.tags.is("type", "restriction"));
    assert_eq!(restrictions.count(), 45);
}

#[test]
fn every_extract_at_hand_is_read_with_the_counts_that_are_known_of_it() {
    let known = [
        ("porto-roads-2015.osm.pbf", 347_944, 51_458),
        ("heidelberg-roads-2024.osm.pbf", 221_009, 31_619),
        ("liechtenstein-full-2024.osm.pbf", 318_592, 34_073),
        ("sf-downtown-full-2023.osm.pbf", 126_531, 20_938),
        ("tiny-2020.osm.pbf", 14_222, 2_653),
    ];
    for (name, nodes, ways) in known {
        let Some(path) = extract(name) else { continue };
        let data = read(&path).unwrap();
        assert_eq!((data.node_count(), data.ways().count()), (nodes, ways), "{name}");
        let areas =
            data.relations().filter(|relation| osm::areas::of_relation(&data, relation).is_ok()).count();
        println!("{name}: {areas} relations are areas");
    }
}

#[test]
fn a_file_that_ends_early_is_refused_at_every_length() {
    let whole = fs::read(DEMO).unwrap();
    assert!(matches!(read_bytes(b""), Err(ReadError::NotOsmPbf)));
    for length in [1, 3, 4, 10, 100, 1_000, whole.len() / 2, whole.len() - 1] {
        let refused = read_bytes(&whole[..length]);
        assert!(matches!(refused, Err(ReadError::Truncated)), "{length}: {refused:?}");
    }
}

#[test]
fn another_kind_of_file_is_refused() {
    for content in ["<?xml version='1.0'?><osm version='0.6'></osm>", "PK\u{3}\u{4}...", "\0\0\0\u{1}x"] {
        assert!(matches!(read_bytes(content.as_bytes()), Err(ReadError::NotOsmPbf)), "{content}");
    }
    assert!(matches!(read(Path::new("/nowhere.osm.pbf")), Err(ReadError::Io(_))));
}

#[test]
fn a_file_above_a_limit_is_refused_with_the_limit_in_the_message() {
    let limits = Limits { max_ways: 5_000, ..Limits::default() };
    let refused = Data::read(Path::new(DEMO), &limits, &mut |_| {}).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the map file has more than 5000 ways: cut it to the area that is served"
    );
    let limits = Limits { max_file_bytes: 1_000, ..Limits::default() };
    assert!(Data::read(Path::new(DEMO), &limits, &mut |_| {}).is_err());
}

/// A field of a message: number, then a number or a block of bytes.
fn number(field: u8, value: u64, into: &mut Vec<u8>) {
    into.push(field << 3);
    varint(value, into);
}

fn bytes(field: u8, value: &[u8], into: &mut Vec<u8>) {
    into.push(field << 3 | 2);
    varint(value.len() as u64, into);
    into.extend_from_slice(value);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn blob(kind: &str, content: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content).unwrap();
    let (mut blob, mut header) = (Vec::new(), Vec::new());
    number(2, content.len() as u64, &mut blob);
    bytes(3, &packed.finish().unwrap(), &mut blob);
    bytes(1, kind.as_bytes(), &mut header);
    number(3, blob.len() as u64, &mut header);
    let mut all = u32::try_from(header.len()).unwrap().to_be_bytes().to_vec();
    all.extend(header);
    all.extend(blob);
    all
}

fn file_with_group(group: &[u8]) -> Vec<u8> {
    let mut table = Vec::new();
    for text in ["", "name", "here"] {
        bytes(1, text.as_bytes(), &mut table);
    }
    let mut block = Vec::new();
    bytes(1, &table, &mut block);
    bytes(2, group, &mut block);
    [blob("OSMHeader", &[]), blob("OSMData", &block)].concat()
}

#[test]
fn plain_nodes_are_read_as_well_as_dense_ones() {
    let (mut node, mut group) = (Vec::new(), Vec::new());
    number(1, 14, &mut node);
    bytes(2, &[1], &mut node);
    bytes(3, &[2], &mut node);
    number(8, 20_000_000, &mut node);
    number(9, 40_000_000, &mut node);
    bytes(1, &node, &mut group);
    let data = read_bytes(&file_with_group(&group)).unwrap();
    let node = data.nodes().next().unwrap();
    assert_eq!((node.id, node.point), (7, Point::from_degrees(1.0, 2.0)));
    assert!(node.tags.is("name", "here"));
    assert_eq!(data.bounds(), Bounds { min: node.point, max: node.point });
}

#[test]
fn a_position_off_the_globe_a_missing_text_and_lists_of_different_length_are_refused() {
    let damaged = |group: &[u8]| read_bytes(&file_with_group(group)).unwrap_err().to_string();
    let mut far = Vec::new();
    number(8, u64::MAX - 1, &mut far);
    let mut group = Vec::new();
    bytes(1, &far, &mut group);
    assert!(damaged(&group).contains("outside of the globe"));

    let mut untitled = Vec::new();
    bytes(2, &[99], &mut untitled);
    bytes(3, &[2], &mut untitled);
    group.clear();
    bytes(3, &untitled, &mut group);
    assert!(damaged(&group).contains("a text is missing"));

    let mut uneven = Vec::new();
    bytes(1, &[2, 2], &mut uneven);
    bytes(8, &[2], &mut uneven);
    bytes(9, &[2, 2], &mut uneven);
    group.clear();
    bytes(2, &uneven, &mut group);
    assert!(damaged(&group).contains("differ in length"));
}

#[test]
fn a_block_that_unpacks_to_gigabytes_is_refused_at_the_limit() {
    let bomb = blob("OSMData", &vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let refused = read_bytes(&[blob("OSMHeader", &[]), bomb].concat());
    assert!(matches!(refused, Err(ReadError::TooLarge { what: "bytes in one block", .. })));
}

#[test]
fn a_file_that_needs_features_which_are_not_known_is_refused() {
    let mut header = Vec::new();
    bytes(4, b"HistoricalInformation", &mut header);
    let refused = read_bytes(&blob("OSMHeader", &header)).unwrap_err();
    assert_eq!(refused.to_string(), "the map file uses HistoricalInformation, which is not supported");
}

/// Seeded mutations: bytes flipped, cut out, repeated. Whatever comes out is data or an error, never a panic.
#[test]
fn proof_hostile_files_never_panic() {
    let rounds =
        if std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full") { 20_000 } else { 300 };
    let demo = fs::read(DEMO).unwrap();
    // The packed blocks hide most of the content from mutations, so the content itself is mutated as well.
    let inner = unpacked_group();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut outcome = [0usize; 2];
    for round in 0..rounds {
        let result = if round % 4 == 0 {
            let mut file = demo[..demo.len().min(60_000)].to_vec();
            mutate(&mut file, &mut random);
            read_bytes(&file)
        } else {
            let mut group = inner.clone();
            mutate(&mut group, &mut random);
            read_bytes(&file_with_group(&group))
        };
        outcome[usize::from(result.is_ok())] += 1;
    }
    let mut report = String::new();
    write!(report, "{rounds} mutations: {} refused, {} read", outcome[0], outcome[1]).unwrap();
    println!("{report}");
    assert!(outcome[0] > 0 && outcome[1] > 0);
}

/// A group with a way, a relation, a node and dense nodes.
fn unpacked_group() -> Vec<u8> {
    let mut group = Vec::new();
    let (mut node, mut dense, mut way, mut relation) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    number(1, 14, &mut node);
    number(8, 20_000_000, &mut node);
    bytes(1, &[2, 2, 2, 2], &mut dense);
    bytes(8, &[2, 4, 6, 8], &mut dense);
    bytes(9, &[2, 4, 6, 8], &mut dense);
    bytes(10, &[1, 2, 0, 0, 0, 1, 2, 1, 2, 0], &mut dense);
    number(1, 5, &mut way);
    bytes(2, &[1], &mut way);
    bytes(3, &[2], &mut way);
    bytes(8, &[2, 2, 2], &mut way);
    number(1, 6, &mut relation);
    bytes(8, &[1, 2], &mut relation);
    bytes(9, &[10, 2], &mut relation);
    bytes(10, &[1, 0], &mut relation);
    bytes(1, &node, &mut group);
    bytes(2, &dense, &mut group);
    bytes(3, &way, &mut group);
    bytes(4, &relation, &mut group);
    group
}

fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..4) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = random.random(),
            2 => drop(bytes.drain(at..(at + random.random_range(1..9)).min(bytes.len()))),
            _ => {
                let copy = bytes[at..(at + 5).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}
