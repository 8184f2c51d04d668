//! The adapters in front of real servers. `bench/roads/servers.sh` starts OSRM and Valhalla on an extract and runs this; without
//! them nothing is proved here, and that is said.
//!
//! The servers' own answers to the same pairs are those of `bench/roads/peers.py`, which asks the engines in process: what an
//! adapter makes of the answer over HTTP has to be the same.

use std::path::PathBuf;
use std::time::Instant;

use kernel::geo::Position;
use kernel::time::{ManualClock, Timestamp};
use kernel::travel::{Leg, Matrix, Profile};
use testkit::conformance::travel::{Case, travel_times};
use testkit::proof::Proof;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// On holiday with the phone switched on: Porto.
const FAR: (f64, f64) = (41.1496, -8.6109);
/// The Atlantic.
const WATER: (f64, f64) = (45.0, -30.0);

/// What the script has started, and the way between two places by each engine.
struct Started {
    travel: Travel,
    extract: PathBuf,
    pairs: Vec<Pair>,
}

struct Pair {
    from: Position,
    to: Position,
    osrm: Option<Leg>,
    valhalla: Option<Leg>,
}

impl Started {
    fn look() -> Option<Self> {
        let told = |name: &str| std::env::var(name).ok();
        let travel = Travel {
            osrm_url: Some(told("DROPMATE_OSRM_URL")?),
            valhalla_url: Some(told("DROPMATE_VALHALLA_URL")?),
            ..Travel::default()
        };
        let pairs = std::fs::read_to_string(told("DROPMATE_ROUTING_PAIRS")?).expect("the pairs");
        let rows = pairs
            .lines()
            .filter(|line| line.starts_with(|first: char| first.is_ascii_digit() || first == '-'));
        Some(Self {
            travel,
            extract: told("DROPMATE_ROUTING_EXTRACT")?.into(),
            pairs: rows.map(pair).collect(),
        })
    }

    /// The own roads of the same extract.
    fn own(&self, dir: &std::path::Path) -> RoadTravel {
        let data = osm::Data::read(&self.extract, &osm::Limits::default(), &mut |_| {}).unwrap();
        let folder = dir.join("map");
        let mut writer = mapfolder::Writer::begin(&folder).unwrap();
        let car = ::roads::Profile::embedded("car").unwrap();
        ::roads::import(&data, &[car], &mut writer, &mut |_| {}).unwrap();
        writer.finish(mapfolder::Source::of(&data, "extract.osm.pbf")).unwrap();
        RoadTravel::new(folder, None)
    }
}

fn at((lat, lon): (f64, f64)) -> Position {
    Position::new(lat, lon).unwrap()
}

/// `lat,lon,lat,lon,osrm_s,osrm_m,valhalla_s,valhalla_m`
fn pair(row: &str) -> Pair {
    let numbers: Vec<Option<f64>> = row.split(',').map(|field| field.trim().parse().ok()).collect();
    let place = |first: usize| at((numbers[first].unwrap(), numbers[first + 1].unwrap()));
    let leg = |first: usize| platform::travel::tables::leg(numbers[first], numbers[first + 1]).unwrap();
    Pair { from: place(0), to: place(2), osrm: leg(4), valhalla: leg(6) }
}

/// Each of a number of pairs, asked for in blocks, and the milliseconds of a block.
async fn diagonal(times: &dyn TravelTimes, pairs: &[Pair], block: usize) -> (Vec<Option<Leg>>, u128) {
    let (mut legs, mut took_ms) = (Vec::new(), Vec::new());
    for pairs in pairs.chunks(block) {
        let from: Vec<_> = pairs.iter().map(|pair| pair.from).collect();
        let to: Vec<_> = pairs.iter().map(|pair| pair.to).collect();
        let began = Instant::now();
        let matrix = times.matrix(Profile::Car, &from, &to, NOW).await.unwrap();
        took_ms.push(began.elapsed().as_millis());
        legs.extend((0..pairs.len()).map(|number| matrix.leg(number, number)));
    }
    took_ms.sort_unstable();
    (legs, took_ms[took_ms.len() / 2])
}

/// How the times of two sources go together: correlation, median of the ratios, and the median difference when it is taken off.
#[expect(clippy::cast_precision_loss, reason = "a thousand pairs")]
fn agreement(theirs: &[Option<Leg>], ours: &[Option<Leg>]) -> (f64, f64, f64) {
    let seconds = |leg: Leg| f64::from(leg.duration_s);
    let both: Vec<(f64, f64)> = theirs
        .iter()
        .zip(ours)
        .filter_map(|(theirs, ours)| Some((seconds((*theirs)?), seconds((*ours)?))))
        .filter(|pair| pair.1 > 0.0)
        .collect();
    let count = both.len() as f64;
    let mean = both.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / count, sum.1 + pair.1 / count));
    let sums = both.iter().fold((0.0, 0.0, 0.0), |sum, pair| {
        let (x, y) = (pair.0 - mean.0, pair.1 - mean.1);
        (sum.0 + x * y, sum.1 + x * x, sum.2 + y * y)
    });
    let factor = median(both.iter().map(|pair| pair.0 / pair.1).collect());
    let off = median(both.iter().map(|pair| (pair.0 / pair.1 / factor - 1.0).abs()).collect());
    (sums.0 / (sums.1 * sums.2).sqrt(), factor, off)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The middle of all places: in the town, where three places beside each other stand on different roads.
#[expect(clippy::cast_precision_loss, reason = "a thousand pairs")]
fn middle(pairs: &[Pair]) -> Position {
    let places = || pairs.iter().flat_map(|pair| [pair.from, pair.to]);
    let mean = |sum: f64| sum / (2 * pairs.len()) as f64;
    at((mean(places().map(Position::lat).sum()), mean(places().map(Position::lon).sum())))
}

fn differs(found: Option<Leg>, expected: Option<Leg>, seconds: u32) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            found.duration_s.abs_diff(expected.duration_s) > seconds
                || found.distance_m.abs_diff(expected.distance_m) > 2
        }
        (found, expected) => found.is_some() != expected.is_some(),
    }
}

/// Who is on holiday and who is at sea costs the others nothing.
async fn single_places_cost_the_others_nothing(server: &Server, pairs: &[Pair]) {
    let source = server.times.source();
    let mut from: Vec<_> = pairs[..12].iter().map(|pair| pair.from).collect();
    let to: Vec<_> = pairs[..12].iter().map(|pair| pair.to).collect();
    let before = server.times.matrix(Profile::Car, &from, &to, NOW).await.unwrap();
    (from[3], from[8]) = (at(FAR), at(WATER));
    let after = server.times.matrix(Profile::Car, &from, &to, NOW).await.unwrap();
    for (row, column) in (0..12).flat_map(|row| (0..12).map(move |column| (row, column))) {
        let expected = if [3, 8].contains(&row) { None } else { before.leg(row, column) };
        let found = after.leg(row, column);
        assert!(alike(found, expected), "{source}: {row}, {column}: {found:?} instead of {expected:?}");
    }
    let nobody = [at(WATER), at(FAR)];
    let nothing = server.times.matrix(Profile::Car, &nobody, &nobody[..1], NOW).await.unwrap();
    assert_eq!((nothing.leg(0, 0), nothing.leg(1, 0)), (None, None), "{source}");
}

/// How many questions of 60 x 60 it takes, two seconds each, until all that is known is known.
async fn questions_until_known(server: Server, pairs: &[Pair]) -> (Vec<usize>, Matrix) {
    let from: Vec<_> = pairs[..60].iter().map(|pair| pair.from).collect();
    let to: Vec<_> = pairs[..60].iter().map(|pair| pair.to).collect();
    let clock = Arc::new(ManualClock::at(NOW));
    let chain = Chain::new(vec![Provider::remote(server.times.source(), server.times, clock, false)]);
    let mut known = Vec::new();
    loop {
        let answer = chain.matrix(Profile::Car, &from, &to, NOW).await;
        let matrix = answer.unwrap_or_else(|_late| Matrix::fill(60, 60, "", |_, _| None));
        let cells = (0..60).flat_map(|row| (0..60).map(move |column| (row, column)));
        known.push(cells.filter(|(row, column)| matrix.leg(*row, *column).is_some()).count());
        let count = known.len();
        if count > 1 && known[count - 1] == known[count - 2] || count == 12 {
            return (known, matrix);
        }
    }
}

#[tokio::test]
async fn proof_routing_servers() {
    let Some(started) = Started::look() else {
        println!(
            "skipped: no routing server is named; bench/roads/servers.sh starts OSRM and Valhalla and runs this"
        );
        return;
    };
    let proof = Proof::new("routing servers");
    let dir = tempfile::tempdir().unwrap();
    let own = started.own(dir.path());
    let pairs = &started.pairs[..proof.size(200, started.pairs.len())];
    let (ours, _) = diagonal(&own, pairs, 50).await;
    for server in servers(&started.travel, Duration::from_secs(20)).unwrap() {
        let source = server.times.source();
        let is_osrm = source == osrm::SOURCE;
        let (found, block_ms) = diagonal(&server.times, pairs, 20).await;
        let expected = pairs.iter().map(|pair| if is_osrm { pair.osrm } else { pair.valhalla });
        // A matrix of Valhalla adds whole seconds, its routes do not.
        let tolerance = if is_osrm { 1 } else { 3 };
        let known = found.iter().zip(expected).filter(|(found, _)| found.is_some());
        let other = known.filter(|(found, own)| differs(**found, *own, tolerance)).count();
        let unknown = found.iter().filter(|leg| leg.is_none()).count();
        let (r, factor, off) = agreement(&found, &ours);
        single_places_cost_the_others_nothing(&server, pairs).await;
        // Valhalla's matrices depend on what else is asked for, up to a tenth of a way: no case for the suite.
        let case = Case {
            times: &server.times,
            source,
            centre: middle(&started.pairs),
            profiles: &[Profile::Car],
            apart: Some(at(FAR)),
            large: proof.size((30, 25), (120, 60)),
        };
        if is_osrm {
            travel_times(&case).await;
        }
        let (known, _) = questions_until_known(server, pairs).await;
        proof.report(&format!(
            "{source}: {} pairs, {unknown} unknown, {other} not as in process; with own roads r {r:.3}, ratio {factor:.3}, then \
             {:.1} % off (median); 20 x 20 in {block_ms} ms; of 60 x 60 known after questions of 2 s each: {known:?}",
            pairs.len(),
            off * 100.0,
        ));
        // OSRM moves who stands on a small island of its roads to the next larger one, some by more than 500 m, which is not
        // taken; of 1,000 pairs one had another time than in process, why is not known. Valhalla's yards are tried with the roads
        // around, so that their times are others than in process.
        let (most, unknown_at_most) =
            if is_osrm { (pairs.len() / 500, pairs.len() / 5) } else { (pairs.len() / 5, pairs.len() / 50) };
        assert!(other <= most, "{source}: {other} of {} are not what the engine says", pairs.len());
        assert!(unknown <= unknown_at_most, "{source}: {unknown} of {} are not known", pairs.len());
        assert!(off < 0.1 && (!is_osrm || r > 0.98), "{source}: r {r}, {off}");
    }
}

/// The same but for rounding: Valhalla adds other parts of a way when other places are asked for with it.
fn alike(one: Option<Leg>, other: Option<Leg>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one == other };
    one.duration_s.abs_diff(other.duration_s) <= 2 && one.distance_m.abs_diff(other.distance_m) <= 2
}
