use rand::{RngExt, SeedableRng};

use super::*;
use crate::feature::{Feature, Layer};
use crate::geometry::{Geometry, Polygon};
use crate::mercator::WORLD;

const RECT: Rect = Rect { min: Spot { x: 0, y: 0 }, max: Spot { x: WORLD, y: WORLD } };

fn square(at: i32) -> Polygon {
    let spot = |x: i32, y: i32| Spot { x: at + x, y: at + y };
    Polygon {
        outer: vec![spot(0, 0), spot(100, 0), spot(100, 100), spot(0, 100)],
        inner: vec![vec![spot(10, 10), spot(10, 20), spot(20, 20)]],
    }
}

fn file() -> Vec<u8> {
    let mut writer = Writer::new(RECT);
    for step in 0..40 {
        let at = step * 1_000_000;
        let building = Feature::new(Layer::Buildings, "building", 11).tenths("height", Some(125));
        writer.add(&building, &Geometry::Areas(vec![square(at)]));
        let street = Feature::new(Layer::Roads, "minor_road", 12).text_from("name", Some("Katu"), 14);
        writer.add(&street, &Geometry::Lines(vec![vec![Spot { x: at, y: at }, Spot { x: at + 9, y: at }]]));
        writer.add(&Feature::new(Layer::Pois, "cafe", 15), &Geometry::Point(Spot { x: at, y: at }));
    }
    writer.finish().unwrap()
}

#[test]
fn what_was_put_in_comes_out() {
    let pack = Pack::open(file()).unwrap();
    assert_eq!(pack.len(), 120);
    let near = Rect { min: Spot { x: 1_000_000, y: 1_000_000 }, max: Spot { x: 1_000_050, y: 1_000_050 } };
    let mut found: Vec<Stored<'_>> = pack.search(&near).collect();
    found.sort_by_key(Stored::layer);
    let layers: Vec<Layer> = found.iter().map(Stored::layer).collect();
    assert_eq!(layers, [Layer::Roads, Layer::Buildings, Layer::Pois]);
    let attributes = found[1].attributes().unwrap();
    let keys: Vec<&str> = attributes.iter().map(|attribute| pack.text(attribute.key).unwrap()).collect();
    assert_eq!(keys, ["kind", "height"]);
    assert_eq!(attributes[1].value, StoredValue::Tenths(125));
    assert_eq!(found[1].geometry(), Some(Geometry::Areas(vec![square(1_000_000)])));
    assert!(found[0].is_drawn_at(12) && !found[0].is_drawn_at(11));
}

#[test]
fn a_feature_outside_of_the_map_is_left_out() {
    let mut writer = Writer::new(Rect { min: Spot { x: 0, y: 0 }, max: Spot { x: 10, y: 10 } });
    writer.add(&Feature::new(Layer::Pois, "cafe", 15), &Geometry::Point(Spot { x: 11, y: 5 }));
    writer.add(&Feature::new(Layer::Roads, "path", 15), &Geometry::Lines(Vec::new()));
    assert!(writer.is_empty());
    assert!(Pack::open(writer.finish().unwrap()).unwrap().is_empty());
}

#[test]
fn a_file_of_something_else_and_a_cut_file_are_refused() {
    assert_eq!(Pack::open(b"PK whatever".to_vec()).err(), Some(Damaged::Foreign));
    assert_eq!(Pack::open(Vec::new()).err(), Some(Damaged::Foreign));
    let whole = file();
    for length in 0..whole.len() {
        assert!(Pack::open(whole[..length].to_vec()).is_err());
    }
}

#[test]
fn flipped_bytes_are_refused_or_read_but_never_a_panic() {
    let whole = file();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let mut refused = 0;
    for _ in 0..5_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        match Pack::open(bytes) {
            Err(_) => refused += 1,
            Ok(pack) => pack.search(&RECT).for_each(|mut stored| {
                stored.attributes();
                stored.geometry();
            }),
        }
    }
    assert!(refused > 1_000, "{refused}");
}
