//! Times and distances beside those of OSRM for the same pairs on the same extract.
//!
//! The fixtures hold what OSRM and Valhalla answered, so that neither is needed here; `bench/roads/peers.py` makes them.
//! The levels of engines differ (the established ones by a fifth from each other) and are learned from trips anyway:
//! therefore one factor for all pairs is taken off before differences are counted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use mapfolder::{Folder, Source, Writer};
use osm::{Data, Limits, Point};
use roads::{Network, Profile};
use support::{extract, full, report};

/// Two places and seconds and metres between them by OSRM.
struct Pair {
    from: Point,
    to: Point,
    osrm: [f64; 2],
}

fn pairs(fixture: &str) -> Vec<Pair> {
    let rows = fixture.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    rows.map(|row| {
        let numbers: Vec<f64> = row.split(',').take(6).map(|field| field.parse().unwrap()).collect();
        Pair {
            from: Point::from_degrees(numbers[0], numbers[1]),
            to: Point::from_degrees(numbers[2], numbers[3]),
            osrm: [numbers[4], numbers[5]],
        }
    })
    .collect()
}

/// How one quantity goes with another.
struct Agreement {
    correlation: f64,
    /// Median of ours by theirs.
    factor: f64,
    /// Relative difference when the factor is taken off.
    median: f64,
    p90: f64,
}

#[expect(clippy::cast_precision_loss, reason = "a thousand pairs")]
fn agreement(values: &[[f64; 2]]) -> Agreement {
    let mean = |part: usize| values.iter().map(|pair| pair[part]).sum::<f64>() / values.len() as f64;
    let means = [mean(0), mean(1)];
    let product = |a: usize, b: usize| {
        values.iter().map(|pair| (pair[a] - means[a]) * (pair[b] - means[b])).sum::<f64>()
    };
    let correlation = product(0, 1) / (product(0, 0) * product(1, 1)).sqrt();
    let factor = quantile(values.iter().map(|pair| pair[0] / pair[1]).collect(), 50);
    let off: Vec<f64> = values.iter().map(|pair| (pair[0] / pair[1] / factor - 1.0).abs()).collect();
    Agreement { correlation, factor, median: quantile(off.clone(), 50), p90: quantile(off, 90) }
}

fn quantile(mut values: Vec<f64>, share: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * share / 100]
}

fn network(extract: &std::path::Path) -> (tempfile::TempDir, Network) {
    let data = Data::read(extract, &Limits::default(), &mut |_| {}).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::begin(dir.path()).unwrap();
    roads::import(&data, &[Profile::embedded("car").unwrap()], &mut writer, &mut |_| {}).unwrap();
    writer.finish(Source::of(&data, "proof")).unwrap();
    let network = Network::open(&Folder::open(dir.path()).unwrap(), "car").unwrap();
    (dir, network)
}

fn goes_with_osrm(city: &str, extract: &std::path::Path, fixture: &str, count: usize) {
    let (_dir, network) = network(extract);
    let pairs = &pairs(fixture)[..count];
    let (mut times, mut distances) = (Vec::new(), Vec::new());
    for pair in pairs {
        let Ok(route) = network.route(pair.from, pair.to, None) else { continue };
        // The next places of two neighbours may be the same one.
        if pair.osrm.iter().all(|number| *number > 0.0) {
            times.push([route.duration_s, pair.osrm[0]]);
            distances.push([route.distance_m, pair.osrm[1]]);
        }
    }
    let (time, distance) = (agreement(&times), agreement(&distances));
    report(
        &format!("routes beside OSRM, {city}"),
        &format!(
            "{} of {count} pairs answered; time: correlation {:.4}, level {:.3}, difference {:.2} % (median), \
             {:.1} % (p90) after one factor; distance: correlation {:.4}, difference {:.2} % (median)",
            times.len(),
            time.correlation,
            time.factor,
            time.median * 100.0,
            time.p90 * 100.0,
            distance.correlation,
            distance.median * 100.0,
        ),
    );
    assert!(times.len() * 1_000 >= count * 995, "{city}: {} of {count} answered", times.len());
    assert!(time.correlation >= 0.99, "{city}: {}", time.correlation);
    assert!(time.median <= 0.015, "{city}: {}", time.median);
}

#[test]
fn proof_osrm() {
    if let Some(path) = extract("heidelberg-roads-2024.osm.pbf") {
        let fixture = include_str!("fixtures/heidelberg.csv");
        goes_with_osrm("Heidelberg", &path, fixture, if full() { 1_000 } else { 200 });
    }
    if let Some(path) = full().then(|| extract("porto-roads-2015.osm.pbf")).flatten() {
        goes_with_osrm("Porto", &path, include_str!("fixtures/porto.csv"), 1_000);
    }
}
