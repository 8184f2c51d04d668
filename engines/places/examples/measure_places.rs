//! Imports an extract and measures the search: how often the answer is right, and how much processor time it takes, by the way
//! an address is written. Prints JSON. The rules were tuned on the sample of seed 42; other seeds, and the ways of writing in
//! `held_out`, are new to them.
//!
//! `cargo run --release -p places --example measure_places -- extract.osm.pbf [addresses] [seed]`

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use places::{Places, Query};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

#[path = "../tests/places/sample.rs"]
mod sample;

mod held_out;

use held_out::{HELD_OUT, HeldOut};
use sample::{KINDS, Kind, Truth};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which extract?")?;
    let count = arguments.next().map_or(Ok(1000), |count| count.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(42), |seed| seed.parse())?;
    let started = Instant::now();
    let data = osm::Data::read(Path::new(&path), &osm::Limits::default(), &mut |_| {})?;
    let read = started.elapsed();
    let folder = tempfile::tempdir()?;
    let mut writer = mapfolder::Writer::begin(folder.path())?;
    let started = Instant::now();
    let summary = places::import(&data, &mut writer, &mut |_| {})?;
    let import = started.elapsed();
    let manifest = writer.finish(mapfolder::Source::of(&data, "extract"))?;
    let places = Places::open(&mapfolder::Folder::open(folder.path())?)?;
    let truths = sample::truths(&data);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sampled = sample::sample(&truths, count, &mut rng);
    let kinds: Vec<Value> =
        KINDS.iter().map(|kind| tuned(&places, *kind, &sampled, seed)).collect::<Result<_, _>>()?;
    let others: Vec<Value> =
        HELD_OUT.iter().map(|kind| new(&places, *kind, &sampled, seed)).collect::<Result<_, _>>()?;
    let report = json!({
        "extract": path,
        "seed": seed,
        "read_ms": read.as_millis(),
        "import_ms": import.as_millis(),
        "bytes": manifest.parts.iter().map(|part| part.bytes).sum::<u64>(),
        "streets": summary.streets,
        "houses": summary.houses,
        "interpolated": summary.interpolated,
        "pois": summary.pois,
        "places": summary.places,
        "buildings": summary.buildings,
        "without_street": summary.without_street,
        "addresses_sampled": sampled.len(),
        "queries": kinds,
        "held_out": others,
        "reverse": reverse(&places, (&sampled, &truths), &sample::Buildings::of(&data), seed)?,
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn tuned(places: &Places, kind: Kind, sampled: &[Truth], seed: u64) -> Result<Value, Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let asked: Vec<_> = sampled.iter().map(|truth| (truth, kind.text(truth, &mut rng))).collect();
    search(places, &format!("{kind:?}"), kind, &asked)
}

fn new(places: &Places, kind: HeldOut, sampled: &[Truth], seed: u64) -> Result<Value, Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let texts = sampled.iter().filter_map(|truth| Some((truth, kind.text(truth, &mut rng)?)));
    search(places, &format!("{kind:?}"), kind.counts_like(), &texts.collect::<Vec<_>>())
}

/// Asks the texts; `kind` says what a right answer is.
fn search(
    places: &Places,
    name: &str,
    kind: Kind,
    asked: &[(&Truth, String)],
) -> Result<Value, Box<dyn Error>> {
    let (mut first, mut in_five) = (0, 0);
    let mut times = Vec::with_capacity(asked.len());
    let mut missed = Vec::new();
    for (truth, text) in asked {
        let query = Query { limit: 5, autocomplete: kind.is_autocomplete(), ..Query::new(text.clone()) };
        let before = processor_time()?;
        let hits = places.search(&query)?;
        times.push(processor_time()?.saturating_sub(before));
        let at = hits.iter().position(|hit| kind.is_right(truth, hit));
        first += usize::from(at == Some(0));
        in_five += usize::from(at.is_some());
        if at.is_none() && missed.len() < 12 {
            missed.push(json!({
                "asked": text,
                "meant": format!("{} {}, {} {}", truth.street, truth.number, truth.postcode, truth.city),
                "answered": hits.first().map(|hit| &hit.label),
            }));
        }
    }
    Ok(json!({
        "kind": name,
        "asked": asked.len(),
        "first_percent": percent(first, asked.len()),
        "first_five_percent": percent(in_five, asked.len()),
        "processor_time": spread(times),
        "missed": missed,
    }))
}

fn reverse(
    places: &Places,
    (sampled, truths): (&[Truth], &[Truth]),
    buildings: &sample::Buildings,
    seed: u64,
) -> Result<Value, Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut same_number, mut same_building, mut another_is_nearer) = (0, 0, 0);
    let mut times = Vec::with_capacity(sampled.len());
    for truth in sampled {
        let point = sample::jitter(truth.point, 8.0, &mut rng);
        let before = processor_time()?;
        let hits = places.reverse(point, 1);
        times.push(processor_time()?.saturating_sub(before));
        let (number, building) = sample::is_right_house(truth, hits.first(), buildings);
        same_number += usize::from(number);
        same_building += usize::from(building);
        another_is_nearer += usize::from(sample::another_is_nearer(truth, point, truths));
    }
    Ok(json!({
        "same_number_percent": percent(same_number, sampled.len()),
        "same_building_percent": percent(same_building, sampled.len()),
        "another_is_nearer_percent": percent(another_is_nearer, sampled.len()),
        "processor_time": spread(times),
    }))
}

/// Of this thread: other work on the machine does not count.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
fn percent(part: usize, whole: usize) -> f64 {
    (1000.0 * part as f64 / whole.max(1) as f64).round() / 10.0
}

fn spread(mut times: Vec<Duration>) -> Value {
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get((times.len() * share / 1000).min(times.len().saturating_sub(1)))
            .map_or(0, Duration::as_micros)
    };
    json!({ "median_us": at(500), "p95_us": at(950), "p99_us": at(990), "max_us": at(1000) })
}
