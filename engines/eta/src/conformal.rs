//! Windows that hold as often as they say: split-conformal quantiles of what predictions were wrong by.
//!
//! The errors of deliveries that no part of the model was trained on are divided by a scale that grows with the horizon, and their
//! quantiles are taken as the ends of later windows. Nothing is assumed about how errors are distributed; what is needed is that
//! tomorrow's errors are like those of the calibration (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005;
//! the finite-sample rank is that of Romano, Patterson, Candès: Conformalized Quantile Regression, 2019).

use serde::{Deserialize, Serialize};

use crate::shrink::real;

/// A window of seconds from the moment of the prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The earliest.
    pub earliest_s: f64,
    /// The best single guess.
    pub expected_s: f64,
    /// The latest.
    pub latest_s: f64,
    /// How often it holds, 0 to 1.
    pub probability: f64,
    /// Whether that was measured; otherwise it is a rule of thumb.
    pub calibrated: bool,
}

/// How wrong predictions were, by horizon.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Calibration {
    bands: Vec<Band>,
    coverage: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Band {
    /// Up to this horizon, seconds.
    until_s: f64,
    low: f64,
    high: f64,
    count: usize,
}

/// Ends of the bands of horizons, seconds: errors a few minutes before the door are of another kind.
const BANDS: [f64; 4] = [600.0, 1_800.0, 3_600.0, f64::INFINITY];
/// Fewer in a band are joined with the next one.
const ENOUGH: usize = 60;
/// What is added to the horizon before errors are divided by it: hand-overs do not shrink with the way.
const FLOOR_S: f64 = 240.0;

/// Without data: a tenth, at least three minutes, before; a quarter, at least five minutes, after, because deliveries are late more
/// often, and by more, than early.
pub fn rule_of_thumb(expected_s: f64, probability: f64) -> Window {
    Window {
        earliest_s: (expected_s - (expected_s / 10.0).max(180.0)).max(0.0),
        expected_s,
        latest_s: expected_s + (expected_s / 4.0).max(300.0),
        probability,
        calibrated: false,
    }
}

fn scale(expected_s: f64) -> f64 {
    expected_s.max(0.0) + FLOOR_S
}

impl Calibration {
    /// From pairs of expected and actual seconds, for windows that hold with this probability.
    pub fn learn(pairs: &[(f64, f64)], coverage: f64) -> Self {
        let mut bands = Vec::new();
        let mut scores: Vec<f64> = Vec::new();
        for (index, until_s) in BANDS.into_iter().enumerate() {
            let from_s = index
                .checked_sub(1)
                .and_then(|before| BANDS.get(before))
                .copied()
                .unwrap_or(f64::NEG_INFINITY);
            let inside = pairs.iter().filter(|(expected, _)| *expected > from_s && *expected <= until_s);
            scores.extend(inside.map(|(expected, actual)| (actual - expected) / scale(*expected)));
            if scores.len() >= ENOUGH {
                bands.push(band(until_s, &mut scores, coverage));
                scores.clear();
            }
        }
        // What is left over at the far end is as the last band, which then reaches to the end.
        if let Some(last) = bands.last_mut() {
            last.until_s = f64::MAX;
        }
        Self { bands, coverage }
    }

    /// The window around an expectation.
    pub fn window(&self, expected_s: f64, probability: f64) -> Window {
        let band = self.bands.iter().find(|band| expected_s <= band.until_s);
        let Some(band) = band.filter(|_| (self.coverage - probability).abs() < 1e-9) else {
            return rule_of_thumb(expected_s, probability);
        };
        Window {
            earliest_s: (expected_s + band.low * scale(expected_s)).clamp(0.0, expected_s),
            expected_s,
            latest_s: (expected_s + band.high * scale(expected_s)).max(expected_s),
            probability,
            calibrated: true,
        }
    }

    /// On how many predictions it stands.
    pub fn count(&self) -> usize {
        self.bands.iter().map(|band| band.count).sum()
    }
}

fn band(until_s: f64, scores: &mut [f64], coverage: f64) -> Band {
    scores.sort_by(f64::total_cmp);
    let tail = (1.0 - coverage) / 2.0;
    let count = scores.len();
    let rank = |share: f64| share * (real(count) + 1.0);
    Band {
        until_s,
        low: at(scores, rank(tail).floor() - 1.0),
        high: at(scores, rank(1.0 - tail).ceil() - 1.0),
        count,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranks within the list")]
fn at(sorted: &[f64], rank: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((rank.max(0.0) as usize).min(last)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::random::Random;

    /// Late by more than early.
    fn pair(random: &Random) -> (f64, f64) {
        let expected = 120.0 + 3_000.0 * random.fraction();
        let noise: f64 = (0..6).map(|_| random.fraction() - 0.5).sum();
        (expected, expected * (0.25 * noise + 0.05).exp() + 60.0 * random.fraction())
    }

    #[test]
    fn windows_hold_as_often_as_they_say() {
        let random = Random::seeded(7);
        let pairs: Vec<_> = (0..2_000).map(|_| pair(&random)).collect();
        for probability in [0.5, 0.8, 0.9] {
            let calibration = Calibration::learn(&pairs, probability);
            let held = (0..4_000).filter(|_| {
                let (expected, actual) = pair(&random);
                let window = calibration.window(expected, probability);
                assert!(window.calibrated);
                (window.earliest_s..=window.latest_s).contains(&actual)
            });
            let share = real(held.count()) / 4_000.0;
            assert!((share - probability).abs() < 0.03, "{share} instead of {probability}");
        }
    }

    #[test]
    fn too_little_is_a_rule_of_thumb_and_says_so() {
        let few = Calibration::learn(&[(600.0, 700.0); 20], 0.8);
        assert_eq!(few.window(600.0, 0.8), rule_of_thumb(600.0, 0.8));
        assert!(!few.window(600.0, 0.8).calibrated);
        let other = Calibration::learn(&[(600.0, 700.0); 200], 0.8);
        assert!(!other.window(600.0, 0.9).calibrated, "nothing is known of other windows");
    }

    #[test]
    fn a_window_holds_its_expectation_and_does_not_begin_before_now() {
        let late = Calibration::learn(&[(600.0, 900.0); 200], 0.8);
        let window = late.window(600.0, 0.8);
        assert!(window.earliest_s <= 600.0 && window.latest_s >= 900.0 - 1e-9, "{window:?}");
        assert!(late.window(1.0, 0.8).earliest_s >= 0.0);
    }
}
