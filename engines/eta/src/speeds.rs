//! How fast a city's roads are: a factor for each road class and hour on the time that the map says.
//!
//! Each finished drive says how long it took, and how its road time is made up of classes. First one factor per class is fitted
//! over the whole day, drawn towards 1; then each hour's own, drawn towards the day's. So a class that nobody drove at this hour
//! keeps the day's factor, and one that nobody drove at all keeps the map's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::HOURS;
use crate::linear::{Row, fit};

/// A finished drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    /// How the courier travels: each profile has its classes, and its own factors.
    pub profile: String,
    /// Hour of its beginning, 0 to 23.
    pub hour: usize,
    /// Seconds of road time on each class of roads, as the map says without factors.
    pub class_s: Vec<f64>,
    /// Seconds that it took.
    pub took_s: f64,
}

/// Factors on road time by hour, then class; 1.2 is a fifth slower than the map says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speeds {
    /// Outer: the hour; inner: the class.
    pub factors: Vec<Vec<f64>>,
    /// How many drives they were fitted on.
    pub drives: usize,
}

/// So many drives on nothing but one class weigh as much as the map: drives scatter by a seventh, factors of cities by a third.
const MAP: f64 = 0.3;
/// So many drives of an hour weigh as much as those of the whole day: hours differ by less.
const DAY: f64 = 1.0;
/// No road is so much faster or slower: what says so is an error of measurement.
const BOUNDS: (f64, f64) = (0.4, 4.0);
/// Shorter drives are mostly parking.
const SHORT_S: f64 = 45.0;

/// Fits them for each profile. Drives whose classes are not those of the latest were made on another map.
pub fn learn(drives: &[Drive]) -> BTreeMap<String, Speeds> {
    let mut by_profile: BTreeMap<&str, Vec<&Drive>> = BTreeMap::new();
    for drive in drives {
        by_profile.entry(&drive.profile).or_default().push(drive);
    }
    by_profile.into_iter().map(|(profile, drives)| (profile.to_owned(), of_one(&drives))).collect()
}

fn of_one(drives: &[&Drive]) -> Speeds {
    let classes = drives.last().map_or(0, |drive| drive.class_s.len());
    let rows: Vec<(usize, Row)> = drives.iter().filter_map(|drive| row(drive, classes)).collect();
    let all: Vec<Row> = rows.iter().map(|(_, row)| row.clone()).collect();
    let day = fit(&all, &vec![1.0; classes], MAP);
    let factors = (0..HOURS).map(|hour| {
        let own: Vec<Row> = rows.iter().filter(|(at, _)| *at == hour).map(|(_, row)| row.clone()).collect();
        let fitted = if own.is_empty() { day.clone() } else { fit(&own, &day, DAY) };
        fitted.into_iter().map(|factor| factor.clamp(BOUNDS.0, BOUNDS.1)).collect()
    });
    Speeds { factors: factors.collect(), drives: rows.len() }
}

/// In shares of the road time, so that a long drive does not weigh more than a short one.
fn row(drive: &Drive, classes: usize) -> Option<(usize, Row)> {
    let road_s: f64 = drive.class_s.iter().sum();
    let possible = road_s >= SHORT_S && drive.took_s > 0.0 && drive.class_s.len() == classes;
    let ratio = drive.took_s / road_s;
    let believed = possible && (BOUNDS.0..=BOUNDS.1).contains(&ratio) && drive.hour < HOURS;
    believed.then(|| {
        (drive.hour, Row { x: drive.class_s.iter().map(|seconds| seconds / road_s).collect(), y: ratio })
    })
}

impl Speeds {
    /// Seconds that a drive with this make-up takes at this hour.
    pub fn seconds(&self, hour: usize, class_s: &[f64]) -> f64 {
        match self.factors.get(hour) {
            Some(factors) if factors.len() == class_s.len() => crate::linear::dot(factors, class_s),
            _ => class_s.iter().sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shrink::close;

    fn drive(number: u32, hour: usize, truth: impl Fn(usize) -> f64) -> Drive {
        let class_s: Vec<f64> =
            (0..4).map(|class| f64::from((number * (class + 3)) % 11) * 30.0 + 10.0).collect();
        let took_s = class_s.iter().enumerate().map(|(class, seconds)| seconds * truth(class)).sum();
        Drive { profile: "car".to_owned(), hour, class_s, took_s }
    }

    #[test]
    fn a_slow_class_is_found_and_the_others_keep_their_time() {
        let truth = |class: usize| if class == 2 { 1.8 } else { 1.0 };
        let drives: Vec<Drive> = (0..300).map(|number| drive(number, 12, truth)).collect();
        let speeds = learn(&drives).remove("car").unwrap();
        for (class, factor) in speeds.factors[12].iter().enumerate() {
            assert!((factor - truth(class)).abs() < 0.1, "class {class}: {factor}");
        }
        assert!(speeds.drives > 250, "short ones are mostly parking: {}", speeds.drives);
        assert!(
            (speeds.factors[3][2] - speeds.factors[12][2]).abs() < 0.1,
            "an hour without drives is as the day"
        );
    }

    #[test]
    fn a_rush_hour_is_slow_and_the_others_are_not() {
        let truth = |hour: usize| if hour == 17 { 1.5 } else { 1.0 };
        let drives: Vec<Drive> = (0..600)
            .map(|number| {
                drive(number, if number % 3 == 0 { 17 } else { 11 }, |_| {
                    truth(if number % 3 == 0 { 17 } else { 11 })
                })
            })
            .collect();
        let speeds = learn(&drives).remove("car").unwrap();
        let class_s = [100.0; 4];
        assert!(
            (speeds.seconds(17, &class_s) / 400.0 - 1.5).abs() < 0.08,
            "{}",
            speeds.seconds(17, &class_s)
        );
        assert!(
            (speeds.seconds(11, &class_s) / 400.0 - 1.0).abs() < 0.08,
            "{}",
            speeds.seconds(11, &class_s)
        );
    }

    #[test]
    fn nonsense_is_not_learned() {
        let drive = |hour, class_s: &[f64], took_s| Drive {
            profile: "foot".to_owned(),
            hour,
            class_s: class_s.to_vec(),
            took_s,
        };
        let wrong = [
            drive(1, &[100.0], -5.0),
            drive(1, &[100.0], 50_000.0),
            drive(77, &[100.0], 100.0),
            drive(1, &[100.0, 1.0], 100.0),
            drive(1, &[f64::NAN], 100.0),
        ];
        assert!(learn(&[]).is_empty());
        let speeds = learn(&wrong).remove("foot").unwrap();
        assert!(speeds.drives == 0 && close(speeds.factors[1][0], 1.0));
        assert!(close(speeds.seconds(99, &[100.0]), 100.0), "an hour that is none");
        assert!(close(speeds.seconds(1, &[100.0, 50.0]), 150.0), "another map");
    }

    #[test]
    fn each_profile_has_its_own() {
        let slow = |number| Drive { profile: "bicycle".to_owned(), ..drive(number, 12, |_| 1.5) };
        let drives: Vec<Drive> =
            (0..200).flat_map(|number| [drive(number, 12, |_| 1.0), slow(number)]).collect();
        let speeds = learn(&drives);
        let class_s = [100.0; 4];
        assert!((speeds["car"].seconds(12, &class_s) - 400.0).abs() < 20.0);
        assert!((speeds["bicycle"].seconds(12, &class_s) - 600.0).abs() < 30.0);
    }
}
