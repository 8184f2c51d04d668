//! `dropmate map bench`: what this map costs on this machine. Compared with other engines it is in `bench/roads`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kernel::random::Random;
use mapfolder::Folder;
use osm::{Bounds, Point};
use roads::{Network, Snap};
use serde_json::json;

const PAIRS: usize = 500;
const SQUARES: [usize; 3] = [50, 200, 500];

/// Measures and prints.
pub(super) fn run(folder: &Folder, profile: &str, as_json: bool) -> Result<()> {
    let begun = Instant::now();
    let network = super::network(folder, profile)?;
    let opening = begun.elapsed();
    let snaps = somewhere(&network, folder.manifest().source.bounds())?;
    let mut routes: Vec<Duration> = (0..PAIRS)
        .filter_map(|number| {
            let begun = Instant::now();
            let found = network.route_between(&snaps[number], &snaps[PAIRS + number], None);
            found.is_ok().then(|| begun.elapsed())
        })
        .collect();
    ensure!(!routes.is_empty(), "no two places of this map are connected");
    routes.sort();
    let mut squares = Vec::new();
    for size in SQUARES {
        let begun = Instant::now();
        network.matrix(&snaps[..size], &snaps[PAIRS..PAIRS + size], None)?;
        squares.push((size, begun.elapsed()));
    }
    let (median, p99) = (routes[routes.len() / 2], routes[routes.len() * 99 / 100]);
    if as_json {
        let squares: Vec<_> =
            squares.iter().map(|(size, took)| json!({ "size": size, "ms": ms(*took) })).collect();
        println!(
            "{}",
            json!({ "profile": profile, "open_ms": ms(opening), "routes": routes.len(), "route_median_us": us(median),
                    "route_p99_us": us(p99), "matrices": squares })
        );
        return Ok(());
    }
    println!("opening            {:.1} ms", ms(opening));
    println!(
        "route with its way {:.0} us median, {:.0} us p99, of {} pairs",
        us(median),
        us(p99),
        routes.len()
    );
    for (size, took) in squares {
        println!("matrix {size:>4} x {size:<4} {:.1} ms", ms(took));
    }
    Ok(())
}

/// Places on roads all over the map; the same on every run.
fn somewhere(network: &Network, bounds: Bounds) -> Result<Vec<Snap>> {
    let random = Random::seeded(42);
    let mut snaps = Vec::new();
    for _ in 0..200 * PAIRS {
        let mix = |from: f64, to: f64| from + (to - from) * random.fraction();
        let point = Point::from_degrees(
            mix(bounds.min.lat(), bounds.max.lat()),
            mix(bounds.min.lon(), bounds.max.lon()),
        );
        snaps.extend(network.snap(point, None).ok());
        if snaps.len() == 2 * PAIRS {
            return Ok(snaps);
        }
    }
    anyhow::bail!("too few places of this map have a road nearby")
}

fn ms(took: Duration) -> f64 {
    us(took) / 1_000.0
}

fn us(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6
}
