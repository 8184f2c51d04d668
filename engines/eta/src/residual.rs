//! What is wrong with the sum of the parts: a correction of the remaining time by what is known when it is predicted.
//!
//! Ridge regression on the logarithm of actual over predicted, because errors multiply and late is longer than early is short.

use serde::{Deserialize, Serialize};

use crate::linear::{Row, dot, fit};

/// What is known when a prediction is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circumstances {
    /// Hour and minute as a part of the day, 0 to 1, in the shop's time zone.
    pub time_of_day: f64,
    /// Saturday or Sunday.
    pub weekend: bool,
    /// Seconds that the parts add up to.
    pub parts_s: f64,
    /// How many stops come before.
    pub stops_before: u32,
    /// How far it still is, metres.
    pub distance_m: f64,
    /// Whether the goods are still to be picked up.
    pub before_pickup: bool,
}

/// A prediction with what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// What was known.
    pub known: Circumstances,
    /// The factor of the driver's shift at that moment ([`crate::shift::Shift::factor`]).
    pub shift: f64,
    /// Seconds that it took.
    pub took_s: f64,
}

/// The coefficients.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Residual {
    coefficients: Vec<f64>,
}

/// What the assumption that nothing is wrong weighs.
const STRENGTH: f64 = 30.0;
/// No correction is larger.
const LARGEST: f64 = 0.7;
/// Under a minute errors say nothing.
const SHORT_S: f64 = 60.0;

impl Circumstances {
    fn features(&self) -> Vec<f64> {
        let angle = self.time_of_day * std::f64::consts::TAU;
        vec![
            1.0,
            angle.sin(),
            angle.cos(),
            (2.0 * angle).sin(),
            (2.0 * angle).cos(),
            f64::from(u8::from(self.weekend)),
            (self.parts_s.max(SHORT_S) / 900.0).ln(),
            f64::from(self.stops_before.min(10)) / 3.0,
            (1.0 + self.distance_m.max(0.0) / 1_000.0).ln(),
            f64::from(u8::from(self.before_pickup)),
        ]
    }
}

impl Residual {
    /// From predictions that have come true or not.
    pub fn learn(outcomes: &[Outcome]) -> Self {
        let rows: Vec<Row> = outcomes
            .iter()
            .filter(|outcome| outcome.known.parts_s >= SHORT_S && outcome.took_s >= SHORT_S)
            .map(|outcome| {
                let log = (outcome.took_s / (outcome.known.parts_s * outcome.shift)).ln();
                Row { x: outcome.known.features(), y: log.clamp(-2.0, 2.0) }
            })
            .collect();
        if rows.is_empty() {
            return Self::default();
        }
        let size = rows.first().map_or(0, |row| row.x.len());
        Self { coefficients: fit(&rows, &vec![0.0; size], STRENGTH) }
    }

    /// What the remaining time is to be multiplied by.
    pub fn factor(&self, known: &Circumstances) -> f64 {
        dot(&self.coefficients, &known.features()).clamp(-LARGEST, LARGEST).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(number: u32) -> Circumstances {
        Circumstances {
            time_of_day: f64::from(number % 24) / 24.0,
            weekend: number % 7 > 4,
            parts_s: 300.0 + f64::from(number % 13) * 150.0,
            stops_before: number % 3,
            distance_m: 1_000.0 + f64::from(number % 11) * 400.0,
            before_pickup: number.is_multiple_of(2),
        }
    }

    #[test]
    fn weekends_that_are_slower_are_found() {
        let outcome = |number| {
            let known = known(number);
            Outcome { took_s: known.parts_s * if known.weekend { 1.3 } else { 1.0 }, known, shift: 1.0 }
        };
        let residual = Residual::learn(&(0..700).map(outcome).collect::<Vec<_>>());
        let weekend = Circumstances { weekend: true, ..known(3) };
        let weekday = Circumstances { weekend: false, ..known(3) };
        assert!((residual.factor(&weekend) - 1.3).abs() < 0.06, "{}", residual.factor(&weekend));
        assert!((residual.factor(&weekday) - 1.0).abs() < 0.06, "{}", residual.factor(&weekday));
    }

    #[test]
    fn without_outcomes_nothing_is_corrected() {
        assert!((Residual::learn(&[]).factor(&known(1)) - 1.0).abs() < 1e-12);
    }
}
