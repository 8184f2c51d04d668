//! Roads at the edge of an extract: what leads out of it, what leads into it, and what is joined to the rest elsewhere.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use mapfolder::{Folder, Source, Writer};
use osm::{Builder, Data, Point};
use roads::{Error, Network, Profile, Snap};
use tempfile::TempDir;

const STREET: (&str, &str) = ("highway", "residential");
const ONE_WAY: [(&str, &str); 2] = [("highway", "tertiary"), ("oneway", "yes")];

/// Some 222 m north and 111 m east for each step.
fn at(row: f64, column: f64) -> Point {
    Point::from_degrees(60.0 + row * 0.002, 24.0 + column * 0.002)
}

fn with_nodes(builder: Builder, first: i64, places: &[(f64, f64)]) -> Builder {
    (first..).zip(places).fold(builder, |builder, (id, (row, column))| {
        let point = at(*row, *column);
        builder.node(id, point.lat(), point.lon(), &[])
    })
}

/// A block of four streets (nodes 1 to 4) with a diagonal and a dead end, a road out of it to the east, a road into it from the west, a road past it that
/// meets nothing in the south, and a village of two streets a kilometre in the north that nothing leads to.
fn edge_of_an_extract() -> (TempDir, Network) {
    let block = [(0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (2.0, 0.0), (2.0, 3.0)];
    let builder = with_nodes(Data::builder(), 1, &block);
    let builder = with_nodes(builder, 10, &[(0.0, 6.0), (0.0, -4.0), (-3.0, 0.0), (-3.0, 2.0)]);
    let builder = with_nodes(builder, 20, &[(7.0, 0.0), (7.0, 1.0), (7.5, 1.0)]);
    let data = builder
        .way(1, &[1, 2, 3, 4, 1], &[STREET])
        .way(6, &[1, 3, 5], &[STREET])
        .way(2, &[2, 10], &ONE_WAY)
        .way(3, &[11, 1], &ONE_WAY)
        .way(4, &[12, 13], &ONE_WAY)
        .way(5, &[20, 21, 22], &[STREET])
        .build();
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::begin(dir.path()).unwrap();
    roads::import(&data, &[Profile::embedded("car").unwrap()], &mut writer, &mut |_| {}).unwrap();
    writer.finish(Source::of(&data, "edge")).unwrap();
    let network = Network::open(&Folder::open(dir.path()).unwrap(), "car").unwrap();
    (dir, network)
}

const BLOCK: (f64, f64) = (1.0, 2.0);
const OUT: (f64, f64) = (0.0, 5.0);
const IN: (f64, f64) = (0.0, -3.0);
const PAST: (f64, f64) = (-3.0, 0.5);
const VILLAGE: (f64, f64) = (7.0, 0.5);

fn route(network: &Network, from: (f64, f64), to: (f64, f64)) -> roads::Route {
    network.route(at(from.0, from.1), at(to.0, to.1), None).unwrap()
}

fn is_at(snap: &Snap, row: f64, column: f64) -> bool {
    snap.point.distance_m(at(row, column)) < 1.0
}

#[test]
fn a_place_on_a_road_that_only_leaves_or_enters_the_extract_is_moved_to_the_block() {
    let (_dir, network) = edge_of_an_extract();
    for (place, (row, column), distance_m) in [(OUT, (0.0, 2.0), 333.0), (IN, (0.0, 0.0), 333.0)] {
        let there = route(&network, BLOCK, place);
        assert!(is_at(&there.to, row, column), "{:?}", there.to);
        assert!((there.to.distance_m - distance_m).abs() < 3.0, "the distance to the road is told");
        let back = route(&network, place, BLOCK);
        assert!(is_at(&back.from, row, column), "{:?}", back.from);
        assert_eq!(back.geometry[0], back.from.point);
    }
}

#[test]
fn on_a_road_that_leaves_the_extract_one_drives_ahead() {
    let (_dir, network) = edge_of_an_extract();
    let ahead = route(&network, (0.0, 4.0), OUT);
    assert!((ahead.distance_m - 111.0).abs() < 2.0, "{}", ahead.distance_m);
    let behind = route(&network, OUT, (0.0, 4.0));
    assert!(is_at(&behind.from, 0.0, 2.0), "nobody comes back on it");
}

#[test]
fn in_a_village_that_is_cut_off_one_drives_from_door_to_door() {
    let (_dir, network) = edge_of_an_extract();
    let inside = route(&network, VILLAGE, (7.4, 1.0));
    assert!(inside.from.distance_m < 0.1 && inside.to.distance_m < 0.1);
    assert!((inside.distance_m - 55.7 - 89.0).abs() < 3.0, "{}", inside.distance_m);
}

#[test]
fn to_and_from_a_village_that_is_cut_off_one_drives_from_the_next_road_that_is_not() {
    let (_dir, network) = edge_of_an_extract();
    let (there, back) = (route(&network, BLOCK, VILLAGE), route(&network, VILLAGE, BLOCK));
    assert!(is_at(&there.to, 2.0, 0.5) && is_at(&back.from, 2.0, 0.5));
    assert!((there.to.distance_m - 1_112.0).abs() < 5.0, "{}", there.to.distance_m);
    let past = route(&network, PAST, BLOCK);
    assert!(is_at(&past.from, 0.0, 0.5), "a road past it is no way into it: {:?}", past.from);
    let (ahead, behind) = (route(&network, PAST, (-3.0, 1.5)), route(&network, (-3.0, 1.5), PAST));
    assert!((ahead.distance_m - 111.0).abs() < 2.0 && ahead.from.distance_m < 0.1, "{}", ahead.distance_m);
    assert!(is_at(&behind.from, 0.0, 1.5) && is_at(&behind.to, 0.0, 0.5), "nobody turns round on it");
}

#[test]
fn far_from_every_road_there_is_no_place_even_near_a_village_that_is_cut_off() {
    let (_dir, network) = edge_of_an_extract();
    let refused = network.snap(at(10.5, 0.5), None).unwrap_err();
    assert!(matches!(refused, Error::TooFar { limit_m: 500 }), "{refused}");
}

#[test]
fn a_matrix_over_all_of_them_says_what_single_routes_say() {
    let (_dir, network) = edge_of_an_extract();
    let places = [BLOCK, OUT, (0.0, 4.0), IN, PAST, (-3.0, 1.5), VILLAGE, (7.4, 1.0), (0.5, 0.0)];
    let snaps = places.map(|(row, column)| network.snap(at(row, column), None).unwrap());
    let both = network.matrix(&snaps, &snaps, None).unwrap();
    let times = network.durations(&snaps, &snaps, None).unwrap();
    for (row, from) in snaps.iter().enumerate() {
        for (column, to) in snaps.iter().enumerate() {
            let (seconds, metres) = network.duration(from, to, None).unwrap();
            let told = both.duration_ms(row, column).map(f64::from).unwrap() / 1_000.0;
            assert!((told - seconds).abs() < 1e-9, "{row} {column}: {told} {seconds}");
            assert_eq!(times.duration_ms(row, column), both.duration_ms(row, column));
            let told = f64::from(both.distance_dm(row, column).unwrap()) / 10.0;
            assert!((told - metres).abs() < 1e-9, "{row} {column}: {told} {metres}");
        }
    }
    let backwards = network.durations(&snaps[..2], &snaps[5..8], None).unwrap();
    assert_eq!(backwards.duration_ms(1, 2), times.duration_ms(1, 7));
}

#[test]
fn what_is_reached_from_a_place_that_is_cut_off_begins_on_the_next_road_that_is_not() {
    let (_dir, network) = edge_of_an_extract();
    let reached = |place: (f64, f64)| {
        let snap = network.snap(at(place.0, place.1), None).unwrap();
        network.reachable(&snap, 120, None)
    };
    let from_village = reached(VILLAGE);
    assert!(from_village.stretches.iter().any(|stretch| stretch.line[0].distance_m(at(2.0, 0.5)) < 1.0));
}

#[test]
fn roads_of_the_layout_before_this_one_are_refused_and_the_reason_is_told() {
    let (dir, network) = edge_of_an_extract();
    drop(network);
    let mut file = Folder::open(dir.path()).unwrap().map("roads/car.graph").unwrap().to_vec();
    file[4] -= 1;
    let mut writer = Writer::begin(dir.path()).unwrap();
    writer.put("roads/car.graph", &file).unwrap();
    writer.finish(Source::of(&Data::builder().node(1, 60.0, 24.0, &[]).build(), "old")).unwrap();
    let refused = Network::open(&Folder::open(dir.path()).unwrap(), "car").unwrap_err();
    assert!(refused.to_string().contains("another version"), "{refused}");
    assert!(refused.to_string().contains("import it again"), "{refused}");
}
