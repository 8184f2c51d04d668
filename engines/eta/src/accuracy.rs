//! How good predictions were, in the measures that owners are shown.

use serde::{Deserialize, Serialize};

use crate::shrink::{median, real};

/// A prediction with what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Seconds from the prediction to the expected moment.
    pub expected_s: f64,
    /// To the begin of the window.
    pub earliest_s: f64,
    /// To its end.
    pub latest_s: f64,
    /// To what happened.
    pub actual_s: f64,
    /// How often the window should hold, 0 to 1.
    pub probability: f64,
}

/// The measures of some predictions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Predictions.
    pub count: usize,
    /// Median of actual minus expected, seconds: above 0 people come later than said.
    pub bias_s: f64,
    /// Mean absolute error, seconds.
    pub mae_s: f64,
    /// Share of errors up to five minutes, 0 to 1.
    pub within_5_min: f64,
    /// Share later than the end of the window, 0 to 1.
    pub late_share: f64,
    /// Share within the window, 0 to 1.
    pub coverage: f64,
    /// What the windows say of themselves, 0 to 1.
    pub nominal: f64,
    /// Median width of the window, seconds.
    pub width_s: f64,
    /// Mean pinball loss of both ends, seconds: rewards windows that are narrow and hold.
    pub pinball_s: f64,
}

const FIVE_MINUTES_S: f64 = 300.0;

/// Ends of the horizons by which owners are told, seconds.
pub const HORIZONS_S: [u32; 2] = [600, 1_800];

/// Measures them; `None` of none.
pub fn measure(all: &[Judged]) -> Option<Measures> {
    let count = all.len();
    let mut errors: Vec<f64> = all.iter().map(Judged::error_s).collect();
    let mut widths: Vec<f64> = all.iter().map(|one| one.latest_s - one.earliest_s).collect();
    let mean = |of: &dyn Fn(&Judged) -> f64| all.iter().map(of).sum::<f64>() / real(count);
    let share = |of: &dyn Fn(&Judged) -> bool| mean(&|one| f64::from(u8::from(of(one))));
    Some(Measures {
        count,
        bias_s: median(&mut errors)?,
        mae_s: mean(&|one| one.error_s().abs()),
        within_5_min: share(&|one| one.error_s().abs() <= FIVE_MINUTES_S),
        late_share: share(&|one| one.actual_s > one.latest_s),
        coverage: share(&|one| (one.earliest_s..=one.latest_s).contains(&one.actual_s)),
        nominal: mean(&|one| one.probability),
        width_s: median(&mut widths)?,
        pinball_s: mean(&Judged::pinball_s),
    })
}

impl Judged {
    fn error_s(&self) -> f64 {
        self.actual_s - self.expected_s
    }

    fn pinball_s(&self) -> f64 {
        let tail = (1.0 - self.probability) / 2.0;
        let loss = |at: f64, share: f64| {
            let over = self.actual_s - at;
            if over >= 0.0 { share * over } else { (share - 1.0) * over }
        };
        f64::midpoint(loss(self.earliest_s, tail), loss(self.latest_s, 1.0 - tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(expected_s: f64, actual_s: f64) -> Judged {
        Judged {
            expected_s,
            earliest_s: expected_s - 180.0,
            latest_s: expected_s + 300.0,
            actual_s,
            probability: 0.8,
        }
    }

    #[test]
    fn measures_are_what_they_say() {
        let all = [judged(600.0, 660.0), judged(600.0, 1_000.0), judged(600.0, 300.0), judged(600.0, 600.0)];
        let measures = measure(&all).unwrap();
        assert_eq!((measures.count, measures.bias_s, measures.mae_s), (4, 30.0, 190.0));
        assert_eq!((measures.within_5_min, measures.late_share, measures.coverage), (0.75, 0.25, 0.5));
        assert_eq!((measures.width_s, measures.nominal), (480.0, 0.8));
        assert!(measure(&[]).is_none());
    }

    #[test]
    fn a_window_that_is_too_wide_costs_as_one_that_does_not_hold() {
        let wide = Judged { earliest_s: 0.0, latest_s: 3_600.0, ..judged(600.0, 600.0) };
        assert!(wide.pinball_s() > judged(600.0, 600.0).pinball_s());
        assert!(judged(600.0, 2_000.0).pinball_s() > judged(600.0, 600.0).pinball_s());
    }
}
