//! Measures the road engine, or answers pairs from a file, as JSON or CSV.
//!
//! ```text
//! measure --extract FILE.osm.pbf [--between FILE.csv] [--profile car]  preprocessing, routes, matrices
//! measure --map DIR --pairs FILE.csv --out FILE.csv [--profile car]    lat,lon,lat,lon -> duration_s,distance_m
//! ```
//!
//! Times are of this process on one thread; pin it to a core (`taskset -c 0`) for steady figures. Routes and matrices begin
//! with coordinates: finding the roads next to them is part of every figure. With `--between` they are those of a file.

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
        (Some(extract), _, None, _) => measure(Path::new(extract), options.get("between").copied(), profile),
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
    for (from, to) in read_pairs(pairs)? {
        match network.route(from, to, None) {
            Ok(route) => writeln!(answers, "{:.3},{:.1}", route.duration_s, route.distance_m)?,
            Err(_) => answers.push_str(",\n"),
        }
    }
    Ok(fs::write(out, answers)?)
}

/// Lines that begin with lat,lon,lat,lon; what follows is not read, nor are a header and lines that begin with `#`.
fn read_pairs(path: &str) -> Result<Vec<(Point, Point)>> {
    let mut pairs = Vec::new();
    for (index, line) in fs::read_to_string(path)?.lines().enumerate() {
        if !line.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            continue;
        }
        let numbers: Vec<f64> = line.split(',').map_while(|field| field.trim().parse().ok()).collect();
        let [a, b, c, d, ..] = numbers[..] else {
            return Err(format!("line {} is not lat,lon,lat,lon", index + 1).into());
        };
        pairs.push((Point::from_degrees(a, b), Point::from_degrees(c, d)));
    }
    Ok(pairs)
}

fn measure(extract: &Path, between: Option<&str>, profile: &str) -> Result<()> {
    let dir = env::temp_dir().join(format!("roads-measure-{}", std::process::id()));
    let cpu = cpu_s();
    let data = Data::read(extract, &Limits::default(), &mut |_| {})?;
    let read_s = cpu_s() - cpu;
    let network = import(&data, profile, &dir)?;
    let preprocessing_s = cpu_s() - cpu;
    let peak_mb = peak_mb();
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
    let pairs = match between {
        Some(path) => read_pairs(path)?,
        None => some_pairs(&data, &network),
    };
    let points: Vec<Point> = pairs.iter().flat_map(|(from, to)| [*from, *to]).collect();
    drop(data);
    let mut report = serde_json::json!({
        "profile": profile,
        "edges": network.edge_count(),
        "read_cpu_s": round(read_s),
        "preprocessing_cpu_s": round(preprocessing_s),
        "open_ms": round(open_ms),
        "with_speeds_ms": round(customise_ms),
        "snap_us": times(&points, |point| network.snap(*point, None)),
        "route_us": times(&pairs, |(a, b)| network.route(*a, *b, None)),
        "route_plain_us": times(&pairs, |(a, b)| plain(&network, *a, *b)),
        "peak_mb": round(peak_mb),
    });
    for size in [50, 200, 500, 1_000] {
        let points = &points[..size.min(points.len())];
        let places =
            || points.iter().filter_map(|point| network.snap(*point, None).ok()).collect::<Vec<Snap>>();
        if places().len() < points.len() {
            return Err("a place is far from every road".into());
        }
        report[format!("matrix_{size}_ms")] = best_ms(&|| {
            let places = places();
            drop(network.durations(&places, &places, None));
        });
        report[format!("matrix_{size}_with_distances_ms")] = best_ms(&|| {
            let places = places();
            drop(network.matrix(&places, &places, None));
        });
    }
    report["bytes"] = Folder::open(&dir)?.manifest().parts.iter().map(|part| part.bytes).sum::<u64>().into();
    fs::remove_dir_all(dir)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Time and distance without the line.
fn plain(network: &Network, from: Point, to: Point) -> Option<(f64, f64)> {
    let (from, to) = (network.snap(from, None).ok()?, network.snap(to, None).ok()?);
    network.duration(&from, &to, None).ok()
}

/// Seeded pairs of points near roads, within eight kilometres of the middle.
fn some_pairs(data: &Data, network: &Network) -> Vec<(Point, Point)> {
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
    while found.len() < 2_000 {
        let node = nodes[random.random_range(0..nodes.len())];
        let point = Point {
            lat_e7: node.lat_e7 + random.random_range(-1_000..1_000),
            lon_e7: node.lon_e7 + random.random_range(-1_000..1_000),
        };
        if point.distance_m(middle) < 8_000.0 && network.snap(point, None).is_ok() {
            found.push(point);
        }
    }
    found.as_chunks::<2>().0.iter().map(|[from, to]| (*from, *to)).collect()
}

/// Microseconds: median and 99th percentile by the wall clock, mean by processor time.
fn times<T, R>(items: &[T], mut run: impl FnMut(&T) -> R) -> serde_json::Value {
    let cpu = running_ms();
    let mut measured: Vec<f64> = items
        .iter()
        .map(|item| {
            let started = Instant::now();
            std::hint::black_box(run(item));
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let cpu_mean = (running_ms() - cpu) * 1e3 / measured.len() as f64;
    measured.sort_by(f64::total_cmp);
    let at = |share: usize| round(measured[(measured.len() - 1) * share / 100]);
    serde_json::json!({ "median": at(50), "p99": at(99), "cpu_mean": round(cpu_mean) })
}

/// Milliseconds: the best of five by the wall clock, the mean by processor time.
fn best_ms(run: &dyn Fn()) -> serde_json::Value {
    let (cpu, mut best) = (running_ms(), f64::MAX);
    for _ in 0..5 {
        let started = Instant::now();
        run();
        best = best.min(started.elapsed().as_secs_f64() * 1e3);
    }
    serde_json::json!({ "wall": round(best), "cpu": round((running_ms() - cpu) / 5.0) })
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Processor time of this thread in milliseconds, finer than [`cpu_s`].
fn running_ms() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e6
}

/// The most memory that this process has had, in megabytes.
fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// User and system time of this process in seconds, from /proc (100 ticks a second).
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        / 100.0
}
