//! How this driver does today: the errors of a shift, of which the last count most.

use serde::{Deserialize, Serialize};

/// The errors of a shift so far.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Shift {
    sum: f64,
    weight: f64,
}

/// What the assumption that today is like any other day weighs, in ways.
const USUAL: f64 = 4.0;
/// What an error still counts after another one.
const FADES: f64 = 0.9;
const LARGEST: f64 = 0.35;
const SHORT_S: f64 = 60.0;
/// What is further off is an error of measurement: a tap that was forgotten, or made before setting out.
const BOUNDS: (f64, f64) = (0.2, 5.0);

impl Shift {
    /// A way of which `expected_s` was said and `took_s` came true.
    pub fn observe(&mut self, expected_s: f64, took_s: f64) {
        let ratio = took_s / expected_s;
        if expected_s >= SHORT_S && (BOUNDS.0..=BOUNDS.1).contains(&ratio) {
            self.sum = self.sum * FADES + ratio.ln().clamp(-1.0, 1.0);
            self.weight = self.weight * FADES + 1.0;
        }
    }

    /// What times of this driver are to be multiplied by.
    pub fn factor(&self) -> f64 {
        (self.sum / (self.weight + USUAL)).clamp(-LARGEST, LARGEST).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shrink::close;

    #[test]
    fn who_is_slow_today_is_expected_later_and_who_catches_up_is_not() {
        let mut shift = Shift::default();
        assert!(close(shift.factor(), 1.0));
        for _ in 0..8 {
            shift.observe(600.0, 780.0);
        }
        let slow = shift.factor();
        assert!((1.1..1.3).contains(&slow), "{slow}");
        for _ in 0..12 {
            shift.observe(600.0, 600.0);
        }
        assert!(shift.factor() < 1.07, "{}", shift.factor());
        for (expected_s, took_s) in [(600.0, f64::NAN), (1.0, 900.0), (600.0, 2.0), (600.0, 90_000.0)] {
            shift.observe(expected_s, took_s);
        }
        assert!(shift.factor().is_finite() && shift.factor() < 1.07);
    }
}
