//! Proofs on whole networks: the searches against plain Dijkstra, the matrix against single routes.
//! Small by default; `DROPMATE_PROOF_SIZE=full` takes every extract and profile at hand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use mapfolder::{Folder, Source, Writer};
use osm::{Data, Limits, Point};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::cost;
use crate::graph::Graph;
use crate::network::Network;
use crate::profile::Profile;
use crate::snap::{PARTS, Snap, Spot, rest};

#[path = "../tests/support/mod.rs"]
mod support;

use support::{extract, full, report};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf");

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
        let place = network.snap(point, None).unwrap();
        // From a road that is cut off by kilometres there may be no way.
        if place.core.is_some() {
            places.push(place);
        }
    }
    places
}

/// The rule for roads that are cut off, over plain Dijkstra.
fn reference(graph: &Graph, from: &Snap, to: &Snap) -> Option<u64> {
    let [a, b] = [from, to].map(|place| graph.component[place.near.segment as usize]);
    let within = if a != 0 && a == b { dijkstra(graph, &from.near, &to.near) } else { None };
    within.or_else(|| dijkstra(graph, &from.core?, &to.core?))
}

/// Long cost by plain Dijkstra, straight from the file: no hierarchy, no weights, no shared code for partial edges but
/// the rounding.
fn dijkstra(graph: &Graph, from: &Spot, to: &Spot) -> Option<u64> {
    let edge_cost = |edge: u32| {
        let directed = graph.segment_of_edge[edge as usize];
        let ms = graph.travel[directed as usize] + graph.delay[directed as usize];
        (ms.max(1), graph.length[directed as usize / 2])
    };
    let along = |edge: u32, place: &Spot| {
        let directed = graph.segment_of_edge[edge as usize];
        let on = directed / 2 == place.segment && place.directions[directed as usize % 2];
        on.then(|| if directed.is_multiple_of(2) { place.along } else { PARTS - place.along })
    };
    let after = |edge: u32, parts: u32| {
        let (ms, dm) = edge_cost(edge);
        cost::long(rest(ms, parts), rest(dm, parts))
    };
    let mut best: Option<u64> = None;
    let targets = (0..2).flat_map(|direction| graph.edges_on(to.segment * 2 + direction));
    let behind = targets.filter_map(|edge| Some(after(edge, along(edge, to)?))).max().unwrap_or(0);
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
        // Places that are closer than what is counted (a millisecond, a decimetre) are one.
        let ahead =
            along(edge, to).map(|end| (after(edge, start), after(edge, end))).filter(|(start, end)| {
                cost::of_long(*start) >= cost::of_long(*end)
                    && cost::decimetres(*start) >= cost::decimetres(*end)
            });
        if let Some((start, end)) = ahead {
            keep(&mut best, cost::less(start, end));
        }
        push_turns(edge, after(edge, start), &mut queue);
    }
    while let Some(Reverse((reached, edge))) = queue.pop() {
        // What follows is not cheaper, even without the part of the last edge that lies behind the target.
        if best.is_some_and(|best| reached > best + behind) {
            break;
        }
        if reached >= labels[edge as usize] {
            continue;
        }
        labels[edge as usize] = reached;
        if let Some(end) = along(edge, to) {
            keep(&mut best, cost::less(reached, after(edge, end)));
        }
        push_turns(edge, reached, &mut queue);
    }
    best
}

/// The same roads, at another place along them.
fn moved(place: Snap, along: u32) -> Snap {
    let move_to = |spot: Spot| Spot { along, ..spot };
    Snap { near: move_to(place.near), core: place.core.map(move_to), ..place }
}

fn keep(best: &mut Option<u64>, found: u64) {
    *best = Some(best.map_or(found, |best| best.min(found)));
}

fn agree_with_dijkstra(network: &Network, name: &str, pairs: usize) {
    let places = places(network, pairs * 2, 42);
    let graph = &network.roads.graph;
    let mut unreachable = 0;
    for (index, pair) in places.chunks(2).enumerate() {
        // Some pairs are on one segment, where the special cases are.
        let to = if index % 10 == 0 { moved(pair[0], pair[1].near.along) } else { pair[1] };
        let wanted = reference(graph, &pair[0], &to);
        let found = network.way(&network.weights(None), &pair[0], &to);
        assert_eq!(found.as_ref().map(|way| way.cost), wanted, "{name}, pair {index}: {:?} {to:?}", pair[0]);
        match found {
            Some(way) => edges_are_connected(graph, &way.edges),
            None => unreachable += 1,
        }
    }
    let figure = format!("{pairs} pairs: 0 differ, {unreachable} without a route");
    report(&format!("routes against Dijkstra, {name}"), &figure);
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
    sources[0] = moved(targets[0], 0);
    sources[1] = moved(targets[1], PARTS);
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
    report("matrix of Porto", &format!("1000 x 1000 cells, {missing} without a route"));
    assert_eq!(missing, 0);
}
