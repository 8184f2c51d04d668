//! How much later than said the goods of a shop are ready, by hour.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::HOURS;
use crate::shrink::{median, towards};

/// Goods that were waited for, or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ready {
    /// Of which shop.
    pub shop: u128,
    /// When they should have been ready: hour of the day, 0 to 23.
    pub hour: usize,
    /// Seconds after that moment; negative: before.
    pub late_s: f64,
}

/// How late shops are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Preparation {
    shops: BTreeMap<u128, Vec<f64>>,
}

const SHOP: f64 = 6.0;
const HOUR: f64 = 8.0;
/// What is further off was not about the kitchen.
const FARTHEST_S: f64 = 7_200.0;

impl Preparation {
    /// From what became ready.
    pub fn learn(all: &[Ready]) -> Self {
        let mut shops: BTreeMap<u128, Vec<(usize, f64)>> = BTreeMap::new();
        for ready in all {
            if ready.late_s.abs() <= FARTHEST_S && ready.hour < HOURS {
                shops.entry(ready.shop).or_default().push((ready.hour, ready.late_s));
            }
        }
        Self { shops: shops.into_iter().map(|(shop, times)| (shop, by_hour(&times))).collect() }
    }

    /// Seconds that are to be added to what is said.
    pub fn late_s(&self, shop: u128, hour: usize) -> f64 {
        self.shops.get(&shop).and_then(|hours| hours.get(hour)).copied().unwrap_or(0.0)
    }
}

fn by_hour(times: &[(usize, f64)]) -> Vec<f64> {
    let mut all: Vec<f64> = times.iter().map(|(_, late)| *late).collect();
    let count = all.len();
    let shop = towards(median(&mut all).unwrap_or(0.0), count, 0.0, SHOP);
    let hour = |hour: usize| {
        let mut own: Vec<f64> = times.iter().filter(|(at, _)| *at == hour).map(|(_, late)| *late).collect();
        let count = own.len();
        towards(median(&mut own).unwrap_or(shop), count, shop, HOUR)
    };
    (0..HOURS).map(hour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shrink::close;

    #[test]
    fn a_kitchen_that_is_late_at_noon_is_expected_to_be_late_at_noon() {
        let ready = |hour, late_s| Ready { shop: 7, hour, late_s };
        let mut all = vec![ready(12, 600.0); 50];
        all.extend(vec![ready(20, 0.0); 50]);
        let preparation = Preparation::learn(&all);
        assert!(preparation.late_s(7, 12) > 500.0);
        assert!(preparation.late_s(7, 20).abs() < 60.0);
        assert!(close(preparation.late_s(8, 12), 0.0), "another shop");
    }
}
