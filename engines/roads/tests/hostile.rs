//! A file of roads with any number changed and a valid checksum is refused or answers, and never panics.

use std::path::Path;

use mapfolder::{Folder, Source, Writer};
use osm::{Data, Limits, Point};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roads::{Network, Profile};

#[test]
fn proof_hostile_roads_never_panic() {
    let rounds =
        if std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full") { 5_000 } else { 200 };
    let demo = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf"));
    let data = Data::read(demo, &Limits::default(), &mut |_| {}).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let write = |bytes: Option<&[u8]>| {
        let mut writer = Writer::begin(dir.path()).unwrap();
        match bytes {
            Some(bytes) => writer.put("roads/car.graph", bytes).unwrap(),
            None => drop(
                roads::import(&data, &[Profile::embedded("car").unwrap()], &mut writer, &mut |_| {}).unwrap(),
            ),
        }
        writer.finish(Source::of(&data, "demo")).unwrap();
        Folder::open(dir.path()).unwrap()
    };
    let good = write(None).map("roads/car.graph").unwrap().to_vec();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut opened = 0;
    for round in 0..rounds {
        let mut bad = good.clone();
        for _ in 0..random.random_range(1..4) {
            let at =
                if round % 3 == 0 { random.random_range(0..600) } else { random.random_range(0..bad.len()) };
            bad[at] = random.random();
        }
        if round % 7 == 0 {
            bad.truncate(random.random_range(0..good.len()));
        }
        let Ok(network) = Network::open(&write(Some(&bad)), "car") else { continue };
        opened += 1;
        let places: Vec<_> = (0..6)
            .filter_map(|_| {
                let point =
                    Point::from_degrees(random.random_range(60.15..60.19), random.random_range(24.9..25.0));
                network.snap(point, Some(90.0)).ok()
            })
            .collect();
        for pair in places.windows(2) {
            let _ = network.route_between(&pair[0], &pair[1], None);
        }
        let _ = network.matrix(&places, &places, None);
        if let Some(place) = places.first() {
            let _ = network.reachable(place, 120, None);
        }
    }
    println!("{rounds} changed files: {} refused, {opened} opened", rounds - opened);
    assert!(opened > 0 && opened < rounds);
}
