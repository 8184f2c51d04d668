//! All parts together: trained from a history, asked for windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::conformal::{Calibration, Window};
use crate::legs::{Leg, Legs};
use crate::preparation::{Preparation, Ready};
use crate::residual::{Circumstances, Outcome, Residual};
use crate::speeds::{Drive, Speeds, learn};
use crate::stops::{Stop, Stops};

/// What is known of finished deliveries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Drives whose road classes are known.
    pub drives: Vec<Drive>,
    /// Ways by source.
    pub legs: Vec<Leg>,
    /// Stops.
    pub stops: Vec<Stop>,
    /// When goods became ready.
    pub ready: Vec<Ready>,
    /// Predictions by the parts alone, with what happened, each with the order that it was about; the latest last.
    pub outcomes: Vec<(u64, Outcome)>,
}

/// What was learned. Serialises to JSON, so that it can be kept beside what it was learned from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Model {
    /// Factors of road classes, by profile.
    pub speeds: BTreeMap<String, Speeds>,
    /// Factors of sources.
    pub legs: Legs,
    /// Times of stops.
    pub stops: Stops,
    /// How late shops are.
    pub preparation: Preparation,
    residual: Residual,
    calibration: Calibration,
}

/// How often windows hold.
pub const PROBABILITY: f64 = 0.8;
/// Of so many orders one is kept from the residual, to calibrate windows on.
const KEPT_OF: u64 = 3;
/// Windows are calibrated on the latest: the parts were worse when older predictions were made.
const LATEST: usize = 240;

impl Model {
    /// Learns everything. All predictions of one order are either learned from or calibrated on, never both: a window that was
    /// calibrated on what the model knows would be too narrow.
    pub fn train(history: &History) -> Self {
        let is_kept = |order: u64| mix(order).is_multiple_of(KEPT_OF);
        let of = |kept: bool| {
            let some = history.outcomes.iter().filter(move |(order, _)| is_kept(*order) == kept);
            some.map(|(_, outcome)| *outcome).collect::<Vec<Outcome>>()
        };
        let residual = Residual::learn(&of(false));
        let expected_s =
            |outcome: &Outcome| outcome.known.parts_s * residual.factor(&outcome.known) * outcome.shift;
        let kept = of(true);
        let latest = kept.iter().rev().take(LATEST);
        let pairs: Vec<(f64, f64)> = latest.map(|outcome| (expected_s(outcome), outcome.took_s)).collect();
        Self {
            speeds: learn(&history.drives),
            legs: Legs::learn(&history.legs),
            stops: Stops::learn(&history.stops),
            preparation: Preparation::learn(&history.ready),
            calibration: Calibration::learn(&pairs, PROBABILITY),
            residual,
        }
    }

    /// The window for what the parts add up to; `shift` is the factor of the driver's shift ([`crate::shift::Shift::factor`]).
    pub fn window(&self, known: &Circumstances, shift: f64) -> Window {
        let expected_s = known.parts_s.max(0.0) * self.residual.factor(known) * shift;
        self.calibration.window(expected_s, PROBABILITY)
    }

    /// On how many predictions its windows stand; 0: they are a rule of thumb.
    pub fn calibrated_on(&self) -> usize {
        self.calibration.count()
    }
}

/// Numbers that follow each other are spread (splitmix64, Steele, Lea, Flood 2014).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(parts_s: f64) -> Circumstances {
        Circumstances {
            time_of_day: 0.5,
            weekend: false,
            parts_s,
            stops_before: 1,
            distance_m: 2_000.0,
            before_pickup: false,
        }
    }

    #[test]
    fn an_untrained_model_adds_up_its_parts_and_says_that_it_guesses() {
        let window = Model::default().window(&known(900.0), 1.0);
        assert_eq!((window.expected_s, window.calibrated), (900.0, false));
        assert!((Model::default().window(&known(900.0), 1.2).expected_s - 1_080.0).abs() < 1e-9);
    }

    #[test]
    fn a_model_survives_being_written_down() {
        let outcome = |number: u64| {
            let minutes = u32::try_from(number % 30).unwrap();
            let known = known(300.0 + f64::from(minutes) * 60.0);
            (number, Outcome { known, took_s: known.parts_s * 1.1, shift: 1.0 })
        };
        let stop = Stop { dropoff: true, shop: u128::MAX, address: 5, took_s: 100.0 };
        let history = History {
            outcomes: (0..900).map(outcome).collect(),
            stops: vec![stop; 9],
            ready: vec![Ready { shop: 3, hour: 12, late_s: 100.0 }],
            drives: vec![Drive {
                profile: "car".to_owned(),
                hour: 3,
                class_s: vec![100.0, 50.0],
                took_s: 170.0,
            }],
            ..History::default()
        };
        let model = Model::train(&history);
        let read: Model = serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
        assert!(model.calibrated_on() > 150, "{}", model.calibrated_on());
        let (window, before) = (read.window(&known(600.0), 1.0), model.window(&known(600.0), 1.0));
        assert!(
            (window.latest_s - before.latest_s).abs() < 1e-6 && read.calibrated_on() == model.calibrated_on()
        );
        assert!((read.stops.seconds(true, u128::MAX, 5, 60.0) - 100.0).abs() < 20.0);
        assert!(window.calibrated && (window.expected_s - 660.0).abs() < 30.0, "{window:?}");
    }
}
