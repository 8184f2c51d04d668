//! How far a source of travel times is off at each hour, where it does not say which roads it takes: other routing servers, the
//! straight line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::HOURS;
use crate::shrink::{median, real, towards};

/// A finished way.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// Who said how long it would take, and for whom: `straight_line/bicycle`.
    pub source: String,
    /// Hour of its beginning, 0 to 23.
    pub hour: usize,
    /// Seconds that it said.
    pub said_s: f64,
    /// Seconds that it took.
    pub took_s: f64,
}

/// Factors by source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Legs {
    factors: BTreeMap<String, Vec<f64>>,
}

const SOURCE: f64 = 5.0;
const DAY: f64 = 8.0;
/// Shorter ways are mostly parking.
const SHORT_S: f64 = 45.0;
/// What is further off is an error of measurement.
const BOUNDS: (f64, f64) = (0.2, 5.0);

impl Legs {
    /// From finished ways.
    pub fn learn(legs: &[Leg]) -> Self {
        let mut by_source: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
        for leg in legs {
            let log = (leg.took_s / leg.said_s).ln();
            let believed = leg.said_s >= SHORT_S && leg.took_s / leg.said_s > BOUNDS.0;
            if believed && leg.took_s / leg.said_s < BOUNDS.1 && leg.hour < HOURS {
                by_source.entry(&leg.source).or_default().push((leg.hour, log));
            }
        }
        let factors = by_source.into_iter().map(|(source, logs)| (source.to_owned(), by_hour(&logs)));
        Self { factors: factors.collect() }
    }

    /// The factors of each source that ways were finished by: one for each hour.
    pub fn factors(&self) -> &BTreeMap<String, Vec<f64>> {
        &self.factors
    }

    /// Seconds that a way takes at this hour.
    pub fn seconds(&self, source: &str, hour: usize, said_s: f64) -> f64 {
        let factor = self.factors.get(source).and_then(|hours| hours.get(hour));
        said_s * factor.copied().unwrap_or(1.0)
    }
}

fn by_hour(logs: &[(usize, f64)]) -> Vec<f64> {
    let mut all: Vec<f64> = logs.iter().map(|(_, log)| *log).collect();
    let day = towards(median(&mut all).unwrap_or(0.0), logs.len(), 0.0, SOURCE);
    let hour = |hour: usize| {
        // Neighbouring hours are like this one: they count half.
        let near = |at: usize| (at + HOURS - hour) % HOURS;
        let mut own: Vec<f64> = logs.iter().filter(|(at, _)| near(*at) == 0).map(|(_, log)| *log).collect();
        let mut beside: Vec<f64> =
            logs.iter().filter(|(at, _)| [1, HOURS - 1].contains(&near(*at))).map(|(_, log)| *log).collect();
        let beside_count = beside.len();
        let prior = median(&mut beside).map_or(day, |beside| {
            let weight = real(beside_count) / 2.0;
            (beside * weight + day * DAY) / (weight + DAY)
        });
        let count = own.len();
        towards(median(&mut own).unwrap_or(prior), count, prior, DAY).exp()
    };
    (0..HOURS).map(hour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shrink::close;

    fn leg(source: &str, hour: usize, factor: f64) -> Leg {
        Leg { source: source.to_owned(), hour, said_s: 300.0, took_s: 300.0 * factor }
    }

    #[test]
    fn each_source_has_its_own_error_by_hour() {
        let mut all = Vec::new();
        for _ in 0..60 {
            all.extend([
                leg("straight_line/car", 8, 1.6),
                leg("straight_line/car", 20, 1.1),
                leg("osrm/car", 8, 1.2),
            ]);
        }
        let legs = Legs::learn(&all);
        assert!((legs.seconds("straight_line/car", 8, 100.0) - 160.0).abs() < 8.0);
        assert!((legs.seconds("straight_line/car", 20, 100.0) - 110.0).abs() < 8.0);
        assert!((legs.seconds("osrm/car", 8, 100.0) - 120.0).abs() < 4.0);
        assert!(close(legs.seconds("valhalla/car", 8, 100.0), 100.0), "nothing is known of it");
    }

    #[test]
    fn three_ways_do_not_decide() {
        let legs = Legs::learn(&vec![leg("osrm/car", 8, 2.0); 3]);
        assert!((100.0..150.0).contains(&legs.seconds("osrm/car", 8, 100.0)));
    }

    #[test]
    fn nonsense_is_not_learned() {
        let wrong = [leg("a", 8, f64::NAN), leg("a", 8, -1.0), leg("a", 8, 1e9), leg("a", 99, 2.0)];
        assert_eq!(Legs::learn(&wrong), Legs::default());
    }
}
