//! Learned speeds: factors by class of road and hour of the day.

use std::collections::BTreeMap;

/// The least and the most that is believed: a factor beyond is a mistake of the learner, not of the map.
const FACTORS: std::ops::RangeInclusive<f64> = 0.05..=5.0;

/// How much faster or slower than the profile says people travel. Without an entry: as the profile says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeedTable {
    classes: BTreeMap<String, ClassSpeed>,
}

/// Factors of one class: 0.5 is half as fast.
#[derive(Clone, Debug, PartialEq)]
struct ClassSpeed {
    factor: f64,
    /// On top of `factor`, for each hour of the day.
    hours: Option<[f64; 24]>,
}

impl SpeedTable {
    /// Sets the factor of a class, for example `primary` or `ferry`. Factors are held within 0.05 to 5.
    pub fn set(&mut self, class: &str, factor: f64) {
        self.entry(class).factor = bounded(factor);
    }

    /// Sets factors by hour (local time), on top of the factor of the class.
    pub fn set_hours(&mut self, class: &str, hours: [f64; 24]) {
        self.entry(class).hours = Some(hours.map(bounded));
    }

    fn entry(&mut self, class: &str) -> &mut ClassSpeed {
        self.classes.entry(class.to_owned()).or_insert(ClassSpeed { factor: 1.0, hours: None })
    }

    /// Some class depends on the hour.
    pub(crate) fn depends_on_hour(&self) -> bool {
        self.classes.values().any(|class| class.hours.is_some())
    }

    /// Factors in the order of the classes.
    pub(crate) fn factors(&self, classes: &[String], hour: Option<usize>) -> Vec<f64> {
        let factor = |name: &String| {
            self.classes.get(name).map_or(1.0, |class| {
                let by_hour = class.hours.zip(hour).map_or(1.0, |(hours, hour)| hours[hour % 24]);
                bounded(class.factor * by_hour)
            })
        };
        classes.iter().map(factor).collect()
    }
}

fn bounded(factor: f64) -> f64 {
    if factor.is_finite() { factor.clamp(*FACTORS.start(), *FACTORS.end()) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_multiply_and_stay_within_reason() {
        let mut table = SpeedTable::default();
        table.set("primary", 0.8);
        let mut hours = [1.0; 24];
        hours[8] = 0.5;
        table.set_hours("primary", hours);
        table.set("service", f64::NAN);
        table.set("ferry", 1e9);
        let classes = ["ferry", "primary", "service", "trunk"].map(str::to_owned);
        assert_eq!(table.factors(&classes, Some(8)), [5.0, 0.4, 1.0, 1.0]);
        assert_eq!(table.factors(&classes, None), [5.0, 0.8, 1.0, 1.0]);
        assert!(table.depends_on_hour());
    }
}
