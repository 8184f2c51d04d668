//! Proofs on whole networks: the searches against plain Dijkstra, the matrix against single routes.
//! Small by default; `DROPMATE_PROOF_SIZE=full` takes every extract and profile at hand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use mapfolder::{Folder, Source, Writer};
use osm::{Data, Limits, Point};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::cost;
use crate::graph::Graph;
use crate::network::Network;
use crate::profile::Profile;
use crate::snap::{PARTS, Snap, rest};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf");

fn full() -> bool {
    std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full")
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

fn open(path: &Path, profile: &str) -> (TempDir, Network) {
    let data = Data::read(path, &Limits::default(), &mut |_| {}).unwrap();
    imported(&data, profile)
}

pub(crate) fn imported(data: &Data, profile: &str) -> (TempDir, Network) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::begin(dir.path()).unwrap();
    crate::import(data, &[Profile::embedded(profile).unwrap()], &mut writer, &mut |_| {}).unwrap();
    writer.finish(Source::of(data, "test")).unwrap();
    let network = Network::open(&Folder::open(dir.path()).unwrap(), profile).unwrap();
    (dir, network)
}

fn places(network: &Network, count: usize, seed: u64) -> Vec<Snap> {
    let graph = &network.roads.graph;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let last = graph.points_of(u32::try_from(graph.segment_count()).unwrap() - 1).end;
    let mut places = Vec::new();
    while places.len() < count {
        let near = graph.point(random.random_range(0..last));
        let point = Point {
            lat_e7: near.lat_e7 + random.random_range(-1_500..1_500),
            lon_e7: near.lon_e7 + random.random_range(-1_500..1_500),
        };
        places.push(network.snap(point, None).unwrap());
    }
    places
}

/// Long cost by plain Dijkstra, straight from the file: no hierarchy, no weights, no shared code for partial edges but
/// the rounding.
fn dijkstra(graph: &Graph, from: &Snap, to: &Snap) -> Option<u64> {
    let edge_cost = |edge: u32| {
        let directed = graph.segment_of_edge[edge as usize];
        let ms = graph.travel[directed as usize] + graph.delay[directed as usize];
        (ms.max(1), graph.length[directed as usize / 2])
    };
    let along = |edge: u32, place: &Snap| {
        let directed = graph.segment_of_edge[edge as usize];
        let on = directed / 2 == place.segment && place.directions[directed as usize % 2];
        on.then(|| if directed.is_multiple_of(2) { place.along } else { PARTS - place.along })
    };
    let after = |edge: u32, parts: u32| {
        let (ms, dm) = edge_cost(edge);
        cost::long(rest(ms, parts), rest(dm, parts))
    };
    let mut best: Option<u64> = None;
    let mut take = |found: u64| best = Some(best.map_or(found, |best| best.min(found)));
    let mut labels = vec![u64::MAX; graph.edge_count()];
    let mut queue = BinaryHeap::new();
    let push_turns = |edge: u32, so_far: u64, queue: &mut BinaryHeap<Reverse<(u64, u32)>>| {
        for turn in graph.turns(edge) {
            let head = graph.turn_head[turn];
            let (ms, dm) = edge_cost(head);
            queue.push(Reverse((so_far + cost::long(ms + graph.turn_cost[turn], dm), head)));
        }
    };
    for edge in
        [from.segment * 2, from.segment * 2 + 1].into_iter().filter_map(|directed| graph.edge_on(directed))
    {
        let Some(start) = along(edge, from) else { continue };
        if let Some(end) = along(edge, to).filter(|end| *end >= start) {
            take(cost::less(after(edge, start), after(edge, end)));
        }
        push_turns(edge, after(edge, start), &mut queue);
    }
    while let Some(Reverse((reached, edge))) = queue.pop() {
        if reached >= labels[edge as usize] {
            continue;
        }
        labels[edge as usize] = reached;
        if let Some(end) = along(edge, to) {
            take(cost::less(reached, after(edge, end)));
        }
        push_turns(edge, reached, &mut queue);
    }
    best
}

fn agree_with_dijkstra(network: &Network, name: &str, pairs: usize) {
    let places = places(network, pairs * 2, 42);
    let graph = &network.roads.graph;
    let mut unreachable = 0;
    for (index, pair) in places.chunks(2).enumerate() {
        // Some pairs are on one segment, where the special cases are.
        let to = if index % 10 == 0 { Snap { along: pair[1].along, ..pair[0] } } else { pair[1] };
        let wanted = dijkstra(graph, &pair[0], &to);
        let found = network.way(&network.weights(None), &pair[0], &to);
        assert_eq!(found.as_ref().map(|way| way.cost), wanted, "{name}, pair {index}: {:?} {to:?}", pair[0]);
        match found {
            Some(way) => edges_are_connected(graph, &way.edges),
            None => unreachable += 1,
        }
    }
    println!("{name}: {pairs} pairs agree, {unreachable} without a route");
    assert_eq!(unreachable, 0, "{name}");
}

fn edges_are_connected(graph: &Graph, edges: &[u32]) {
    for pair in edges.windows(2) {
        assert!(graph.turns(pair[0]).any(|turn| graph.turn_head[turn] == pair[1]));
    }
}

fn matrix_agrees_with_routes(network: &Network, name: &str, count: usize) {
    let places = places(network, count * 2, 43);
    let (mut sources, targets) = (places[..count].to_vec(), &places[count..]);
    // A source on the segment of a target, before and behind it.
    sources[0] = Snap { along: 0, ..targets[0] };
    sources[1] = Snap { along: PARTS, ..targets[1] };
    let both = network.matrix(&sources, targets, None).unwrap();
    let times = network.durations(&sources, targets, None).unwrap();
    let weights = network.weights(None);
    for (row, source) in sources.iter().enumerate() {
        for (column, target) in targets.iter().enumerate() {
            let way = network.way(&weights, source, target);
            let ms = way.as_ref().map(|way| cost::ms(cost::of_long(way.cost)));
            assert_eq!(both.duration_ms(row, column), ms, "{name} {row} {column}");
            assert_eq!(times.duration_ms(row, column), ms, "{name} {row} {column}");
            assert_eq!(both.distance_dm(row, column), way.map(|way| cost::decimetres(way.cost)));
        }
    }
}

#[test]
fn proof_dijkstra() {
    let small = [("helsinki-centre-2019.osm.pbf", "car"), ("helsinki-centre-2019.osm.pbf", "bicycle")];
    for (name, profile) in small {
        let (_dir, network) = open(Path::new(DEMO), profile);
        agree_with_dijkstra(&network, &format!("{name} {profile}"), if full() { 2_000 } else { 200 });
        matrix_agrees_with_routes(&network, name, 40);
    }
    let others =
        ["heidelberg-roads-2024", "porto-roads-2015", "liechtenstein-full-2024", "sf-downtown-full-2023"];
    let profiles: &[&str] =
        if full() { &["car", "motorcycle", "bicycle", "cargo_bike", "foot"] } else { &["car"] };
    for name in if full() { &others[..] } else { &others[..1] } {
        let Some(path) = extract(&format!("{name}.osm.pbf")) else { continue };
        for profile in profiles {
            let (_dir, network) = open(&path, profile);
            agree_with_dijkstra(&network, &format!("{name} {profile}"), if full() { 2_000 } else { 50 });
            matrix_agrees_with_routes(&network, name, if full() { 60 } else { 20 });
        }
    }
}

#[test]
fn proof_porto_matrix() {
    let Some(path) = extract("porto-roads-2015.osm.pbf").filter(|_| full()) else { return };
    let (_dir, network) = open(&path, "car");
    let places = places(&network, 1_000, 44);
    let matrix = network.matrix(&places, &places, None).unwrap();
    let missing =
        (0..1_000_000).filter(|cell| matrix.duration_ms(cell / 1_000, cell % 1_000).is_none()).count();
    println!("Porto 1000 x 1000: {missing} cells without a route");
    assert_eq!(missing, 0);
}
