//! Measures the road engine, or answers pairs from a file, as JSON or CSV.
//!
//! ```text
//! measure --extract FILE.osm.pbf [--profile car]                     preprocessing, routes, matrices
//! measure --map DIR --pairs FILE.csv --out FILE.csv [--profile car]  lat,lon,lat,lon -> duration_s,distance_m
//! ```
//!
//! Times are of this process on one thread; pin it to a core (`taskset -c 0`) for steady figures.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;
use std::{env, fs};

use mapfolder::{Folder, Source, Writer};
use osm::{Data, Limits, Point};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roads::{Network, Profile, Snap, SpeedTable};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let options: HashMap<&str, &str> = words
        .chunks(2)
        .filter_map(|pair| Some((pair[0].strip_prefix("--")?, pair.get(1)?.as_str())))
        .collect();
    let profile = options.get("profile").copied().unwrap_or("car");
    match (options.get("extract"), options.get("map"), options.get("pairs"), options.get("out")) {
        (Some(extract), _, None, _) => measure(Path::new(extract), profile),
        (Some(extract), _, Some(pairs), Some(out)) => {
            let dir = env::temp_dir().join(format!("roads-measure-{}", std::process::id()));
            let network =
                import(&Data::read(Path::new(extract), &Limits::default(), &mut |_| {})?, profile, &dir)?;
            answer(&network, pairs, out)?;
            Ok(fs::remove_dir_all(dir)?)
        }
        (None, Some(map), Some(pairs), Some(out)) => {
            answer(&Network::open(&Folder::open(Path::new(map))?, profile)?, pairs, out)
        }
        _ => Err("give --extract FILE, or --map DIR (or --extract FILE) --pairs FILE --out FILE".into()),
    }
}

fn import(data: &Data, profile: &str, dir: &Path) -> Result<Network> {
    let mut writer = Writer::begin(dir)?;
    let summary = roads::import(data, &[Profile::embedded(profile)?], &mut writer, &mut |_| {})?;
    eprintln!("{summary:?}");
    writer.finish(Source::of(data, "measured"))?;
    Ok(Network::open(&Folder::open(dir)?, profile)?)
}

/// Every pair is answered; one without a route or too far from a road has empty fields.
fn answer(network: &Network, pairs: &str, out: &str) -> Result<()> {
    let mut answers = String::from("duration_s,distance_m\n");
    for (index, line) in fs::read_to_string(pairs)?.lines().enumerate() {
        let numbers: Vec<f64> = line.split(',').filter_map(|field| field.trim().parse().ok()).collect();
        let [a, b, c, d] = numbers[..] else {
            if index == 0 {
                continue;
            }
            return Err(format!("line {} is not lat,lon,lat,lon", index + 1).into());
        };
        match network.route(Point::from_degrees(a, b), Point::from_degrees(c, d), None) {
            Ok(route) => writeln!(answers, "{:.3},{:.1}", route.duration_s, route.distance_m)?,
            Err(_) => answers.push_str(",\n"),
        }
    }
    Ok(fs::write(out, answers)?)
}

fn measure(extract: &Path, profile: &str) -> Result<()> {
    let dir = env::temp_dir().join(format!("roads-measure-{}", std::process::id()));
    let cpu = cpu_s();
    let data = Data::read(extract, &Limits::default(), &mut |_| {})?;
    let read_s = cpu_s() - cpu;
    let network = import(&data, profile, &dir)?;
    let preprocessing_s = cpu_s() - cpu;
    let started = Instant::now();
    let opened = Network::open(&Folder::open(&dir)?, profile)?;
    let open_ms = started.elapsed().as_secs_f64() * 1e3;
    drop(opened);
    let mut speeds = SpeedTable::default();
    speeds.set("primary", 0.9);
    let started = Instant::now();
    let other = network.with_speeds(&speeds);
    let customise_ms = started.elapsed().as_secs_f64() * 1e3;
    drop(other);
    let points = points(&data, &network);
    let snaps: Vec<Snap> =
        points.iter().map(|point| network.snap(*point, None)).collect::<std::result::Result<_, _>>()?;
    let mut report = serde_json::json!({
        "profile": profile,
        "edges": network.edge_count(),
        "read_cpu_s": round(read_s),
        "preprocessing_cpu_s": round(preprocessing_s),
        "open_ms": round(open_ms),
        "with_speeds_ms": round(customise_ms),
        "snap_us": times(&points, |point| drop(network.snap(*point, None))),
        "route_us": times(&pairs(&points), |(a, b)| drop(network.route(*a, *b, None))),
        "duration_us": times(&pairs(&snaps), |(a, b)| drop(network.duration(a, b, None))),
    });
    for size in [50, 200, 500, 1_000] {
        let places = &snaps[..size];
        let best = |run: &dyn Fn()| {
            (0..5)
                .map(|_| {
                    let t = Instant::now();
                    run();
                    t.elapsed().as_secs_f64() * 1e3
                })
                .fold(f64::MAX, f64::min)
        };
        report[format!("matrix_{size}_ms")] =
            round(best(&|| drop(network.durations(places, places, None)))).into();
        report[format!("matrix_{size}_with_distances_ms")] =
            round(best(&|| drop(network.matrix(places, places, None)))).into();
    }
    report["bytes"] = Folder::open(&dir)?.manifest().parts.iter().map(|part| part.bytes).sum::<u64>().into();
    fs::remove_dir_all(dir)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Seeded points near roads, within eight kilometres of the middle.
fn points(data: &Data, network: &Network) -> Vec<Point> {
    let mut random = ChaCha8Rng::seed_from_u64(42);
    let nodes: Vec<Point> = data
        .ways()
        .filter(|way| way.tags.get("highway").is_some())
        .flat_map(|way| way.nodes.iter().filter_map(|node| data.point(*node)))
        .collect();
    let median = |part: fn(&Point) -> i32| {
        let mut sorted: Vec<i32> = nodes.iter().map(part).collect();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    };
    let middle = Point { lat_e7: median(|point| point.lat_e7), lon_e7: median(|point| point.lon_e7) };
    let mut found = Vec::new();
    while found.len() < 1_000 {
        let node = nodes[random.random_range(0..nodes.len())];
        let point = Point {
            lat_e7: node.lat_e7 + random.random_range(-1_000..1_000),
            lon_e7: node.lon_e7 + random.random_range(-1_000..1_000),
        };
        if point.distance_m(middle) < 8_000.0 && network.snap(point, None).is_ok() {
            found.push(point);
        }
    }
    found
}

fn pairs<T: Copy>(items: &[T]) -> Vec<(T, T)> {
    items.iter().copied().zip(items.iter().rev().copied()).collect()
}

fn times<T>(items: &[T], mut run: impl FnMut(&T)) -> serde_json::Value {
    let mut measured: Vec<f64> = items
        .iter()
        .map(|item| {
            let started = Instant::now();
            run(item);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    measured.sort_by(f64::total_cmp);
    let at = |share: usize| round(measured[(measured.len() - 1) * share / 100]);
    serde_json::json!({ "median": at(50), "p99": at(99) })
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// User and system time of this process in seconds, from /proc (100 ticks a second).
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        / 100.0
}
