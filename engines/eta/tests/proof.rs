//! Days of deliveries in a city whose true speeds nobody is told: the model has to find them from what it sees.
//!
//! Hidden are a factor for each road class and hour, the time of the stairs at each address, how late each kitchen is at each hour,
//! and a driver's form on each day. Every drive, stop and kitchen scatters besides. Each night the model is trained on all days
//! before; the next day is predicted with it and, beside it, by plain road times.

use std::io::Write as _;

use eta::accuracy::{Judged, Measures, measure};
use eta::legs::Leg;
use eta::preparation::Ready;
use eta::residual::{Circumstances, Outcome};
use eta::shift::Shift;
use eta::speeds::Drive;
use eta::stops::Stop;
use eta::{History, Model};
use kernel::random::Random;

const CLASSES: usize = 8;
const SHOPS: u64 = 5;
const ADDRESSES: u64 = 400;
const TRIPS_A_DAY: usize = 60;
const DRIVERS: u64 = 6;
const PLANNED_STOP_S: f64 = 120.0;

/// What nobody is told.
struct City {
    random: Random,
    factors: Vec<Vec<f64>>,
    stairs_s: Vec<f64>,
    late_s: Vec<Vec<f64>>,
}

/// A delivery as it happened; seconds.
struct Trip {
    order: u64,
    hour: usize,
    shop: u64,
    address: u64,
    class_s: Vec<f64>,
    took: Took,
}

#[derive(Clone, Copy)]
struct Took {
    drive: f64,
    stop: f64,
    late: f64,
}

impl City {
    fn new(seed: u64) -> Self {
        let random = Random::seeded(seed);
        let class: Vec<f64> = (0..CLASSES).map(|_| lognormal(&random, 0.3)).collect();
        let hours = (0..24_i32)
            .map(|hour| if (7..=9).contains(&hour) || (16..=18).contains(&hour) { 1.35 } else { 1.0 });
        let factors =
            hours.map(|rush| class.iter().map(|class| class * rush * lognormal(&random, 0.05)).collect());
        let factors: Vec<Vec<f64>> = factors.collect();
        let stairs_s = (0..ADDRESSES).map(|_| 150.0 * lognormal(&random, 0.5)).collect();
        let late_s = (0..SHOPS).map(|_| (0..24).map(|_| 400.0 * random.fraction()).collect()).collect();
        Self { random, factors, stairs_s, late_s }
    }

    fn below(&self, bound: u64) -> usize {
        usize::try_from(self.random.below(bound)).unwrap_or(0)
    }

    fn trip(&self, order: u64, form: f64) -> Trip {
        let random = &self.random;
        let (hour, shop, address) = (10 + self.below(11), self.below(SHOPS), self.below(ADDRESSES));
        let class_s: Vec<f64> =
            (0..CLASSES).map(|_| 150.0 * random.fraction() * random.fraction() + 5.0).collect();
        let true_s: f64 =
            class_s.iter().zip(&self.factors[hour]).map(|(seconds, factor)| seconds * factor).sum();
        let took = Took {
            drive: true_s * form * lognormal(random, 0.12),
            stop: self.stairs_s[address] * lognormal(random, 0.25),
            late: self.late_s[shop][hour] + 120.0 * (random.fraction() - 0.5),
        };
        let number = |value: usize| u64::try_from(value).unwrap_or(0);
        Trip { order, hour, shop: number(shop), address: number(address) + 1, class_s, took }
    }
}

impl Trip {
    fn actual_s(&self) -> f64 {
        self.took.late.max(0.0) + self.took.drive + self.took.stop
    }

    fn plain_s(&self) -> f64 {
        self.class_s.iter().sum::<f64>() + PLANNED_STOP_S
    }

    fn circumstances(&self, parts_s: f64) -> Circumstances {
        #[expect(clippy::cast_precision_loss, reason = "an hour")]
        let time_of_day = self.hour as f64 / 24.0;
        let distance_m = self.class_s.iter().sum::<f64>() * 8.0;
        Circumstances {
            time_of_day,
            weekend: false,
            parts_s,
            stops_before: 0,
            distance_m,
            before_pickup: true,
        }
    }

    fn parts_s(&self, model: &Model) -> f64 {
        let drive = model
            .speeds
            .get("car")
            .map_or(self.class_s.iter().sum(), |speeds| speeds.seconds(self.hour, &self.class_s));
        let stop = model.stops.seconds(true, u128::from(self.shop), self.address, PLANNED_STOP_S);
        drive + stop + model.preparation.late_s(u128::from(self.shop), self.hour).max(0.0)
    }
}

/// With a median of 1.
fn lognormal(random: &Random, deviation: f64) -> f64 {
    let normal: f64 = (0..12).map(|_| random.fraction()).sum::<f64>() - 6.0;
    (normal * deviation).exp()
}

fn learn_from(history: &mut History, trip: &Trip, parts_s: f64, shift: f64) {
    let took = &trip.took;
    let class_s = trip.class_s.clone();
    history.drives.push(Drive { profile: "car".to_owned(), hour: trip.hour, class_s, took_s: took.drive });
    let said_s = trip.class_s.iter().sum();
    history.legs.push(Leg { source: "roads/car".to_owned(), hour: trip.hour, said_s, took_s: took.drive });
    let shop = u128::from(trip.shop);
    history.stops.push(Stop { dropoff: true, shop, address: trip.address, took_s: took.stop });
    history.ready.push(Ready { shop, hour: trip.hour, late_s: took.late });
    let known = trip.circumstances(parts_s);
    history.outcomes.push((trip.order, Outcome { known, took_s: trip.actual_s(), shift }));
}

/// What came out of a number of days: the measures of each day of the model, and of plain road times.
struct Played {
    model: Vec<Measures>,
    plain: Vec<Measures>,
    /// All predictions of the days after the model had seen enough.
    late: Vec<Judged>,
}

fn play(seed: u64, days: usize, settled: usize) -> Played {
    let city = City::new(seed);
    let (mut history, mut model) = (History::default(), Model::default());
    let mut played = Played { model: Vec::new(), plain: Vec::new(), late: Vec::new() };
    let mut order = 0;
    for day in 0..days {
        let mut today: (Vec<Judged>, Vec<Judged>) = Default::default();
        let mut drivers: Vec<(f64, Shift)> =
            (0..DRIVERS).map(|_| (lognormal(&city.random, 0.08), Shift::default())).collect();
        for _ in 0..TRIPS_A_DAY {
            order += 1;
            let (form, shift) = &mut drivers[city.below(DRIVERS)];
            let trip = city.trip(order, *form);
            let parts_s = trip.parts_s(&model);
            let window = model.window(&trip.circumstances(parts_s), shift.factor());
            let judged = |expected_s, earliest_s, latest_s| Judged {
                expected_s,
                earliest_s,
                latest_s,
                actual_s: trip.actual_s(),
                probability: window.probability,
            };
            today.0.push(judged(window.expected_s, window.earliest_s, window.latest_s));
            today.1.push(judged(trip.plain_s(), 0.0, 0.0));
            learn_from(&mut history, &trip, parts_s, shift.factor());
            shift.observe(parts_s, trip.actual_s());
        }
        if day >= settled {
            played.late.extend(&today.0);
        }
        played.model.extend(measure(&today.0));
        played.plain.extend(measure(&today.1));
        model = Model::train(&history);
    }
    played
}

fn mean_mae(days: &[Measures]) -> f64 {
    days.iter().map(|day| day.mae_s).sum::<f64>() / days.iter().map(|_| 1.0).sum::<f64>()
}

/// The error is below that of plain road times after 300 trips, and windows hold as often as they say.
#[test]
fn proof_eta() {
    let full = std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full");
    let (cities, days) = if full { (10, 120) } else { (2, 60) };
    let settled = 30;
    let (mut late, mut errors) = (Vec::new(), (0.0_f64, f64::INFINITY));
    for seed in 1..=cities {
        let played = play(seed, days, settled);
        // Five days of sixty trips are behind the sixth.
        let (model, plain) = (mean_mae(&played.model[5..10]), mean_mae(&played.plain[5..10]));
        println!("city {seed}: after 300 trips the error is {model:.0} s, of plain road times {plain:.0} s");
        assert!(model < 0.9 * plain, "city {seed}: {model:.0} s against {plain:.0} s");
        errors = (errors.0.max(model), errors.1.min(plain));
        late.extend(played.late);
    }
    let measures = measure(&late).unwrap();
    println!("after {} trips: {measures:?}", settled * TRIPS_A_DAY);
    let off = (measures.coverage - measures.nominal).abs();
    assert!(off < 0.02, "{:.3} of the windows hold instead of {:.3}", measures.coverage, measures.nominal);
    assert!(measures.bias_s.abs() < 30.0, "{measures:?}");
    report(
        if full { "full" } else { "small" },
        &format!(
            "{cities} cities of {days} days: after 300 trips the error is at most {:.0} s, of plain road times at least {:.0} s; then \
             {} trips: error {:.0} s, bias {:.0} s, {:.1} % of the windows hold instead of {:.0} %",
            errors.0,
            errors.1,
            measures.count,
            measures.mae_s,
            measures.bias_s,
            measures.coverage * 100.0,
            measures.nominal * 100.0,
        ),
    );
}

/// A row for the file of figures, if one is asked for.
fn report(size: &str, figure: &str) {
    println!("{figure}");
    let Some(path) = std::env::var_os("DROPMATE_PROOFS_FILE") else { return };
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the file of figures");
    writeln!(file, "| expected times on simulated days | {size} | {figure} |").expect("the file of figures");
}
