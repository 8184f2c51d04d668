//! How long a stop takes: parking, stairs, hand-over. The address knows best, then the shop, then all stops of that kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::shrink::{median, towards};

/// A stop that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// Drop-off; otherwise pick-up.
    pub dropoff: bool,
    /// Whose goods.
    pub shop: u128,
    /// The address; 0: not known.
    pub address: u64,
    /// Seconds from arrival, or from when the goods were ready, to the hand-over.
    pub took_s: f64,
}

/// Usual times of stops, seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stops {
    pickup: Kind,
    dropoff: Kind,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Kind {
    all: Option<(f64, usize)>,
    shops: BTreeMap<u128, f64>,
    addresses: BTreeMap<u64, f64>,
}

const PLANNED: f64 = 5.0;
const ALL: f64 = 5.0;
const SHOP: f64 = 3.0;
/// Longer stops are something else: a break, a forgotten tap.
const LONGEST_S: f64 = 3_600.0;

impl Stops {
    /// From stops that are over.
    pub fn learn(stops: &[Stop]) -> Self {
        let of = |dropoff: bool| {
            let some: Vec<&Stop> = stops
                .iter()
                .filter(|stop| stop.dropoff == dropoff && (0.0..=LONGEST_S).contains(&stop.took_s))
                .collect();
            Kind::learn(&some)
        };
        Self { pickup: of(false), dropoff: of(true) }
    }

    /// Seconds that a stop takes, where `planned_s` is what is said without experience.
    pub fn seconds(&self, dropoff: bool, shop: u128, address: u64, planned_s: f64) -> f64 {
        let kind = if dropoff { &self.dropoff } else { &self.pickup };
        let Some((all, count)) = kind.all else { return planned_s };
        let known = kind.addresses.get(&address).filter(|_| address != 0).or_else(|| kind.shops.get(&shop));
        known.copied().unwrap_or_else(|| towards(all, count, planned_s, PLANNED))
    }
}

impl Kind {
    fn learn(stops: &[&Stop]) -> Self {
        let mut all: Vec<f64> = stops.iter().map(|stop| stop.took_s).collect();
        let Some(middle) = median(&mut all) else { return Self::default() };
        let by_shop = grouped(stops, |stop| stop.shop, |_| middle, ALL);
        let addresses = grouped(
            stops,
            |stop| stop.address,
            |stop| by_shop.get(&stop.shop).copied().unwrap_or(middle),
            SHOP,
        );
        Self { all: Some((middle, stops.len())), shops: by_shop, addresses }
    }
}

fn grouped<K: Ord + Copy>(
    stops: &[&Stop],
    key: impl Fn(&Stop) -> K,
    prior: impl Fn(&Stop) -> f64,
    strength: f64,
) -> BTreeMap<K, f64> {
    let mut groups: BTreeMap<K, (f64, Vec<f64>)> = BTreeMap::new();
    for stop in stops {
        groups.entry(key(stop)).or_insert_with(|| (prior(stop), Vec::new())).1.push(stop.took_s);
    }
    let shrunk = groups.into_iter().map(|(key, (prior, mut times))| {
        let own = median(&mut times).unwrap_or(prior);
        (key, towards(own, times.len(), prior, strength))
    });
    shrunk.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shrink::close;

    fn stop(shop: u128, address: u64, took_s: f64) -> Stop {
        Stop { dropoff: true, shop, address, took_s }
    }

    #[test]
    fn a_tower_without_a_lift_takes_its_time() {
        let mut all = vec![stop(1, 10, 120.0); 40];
        all.extend(vec![stop(1, 77, 420.0); 12]);
        let stops = Stops::learn(&all);
        assert!(stops.seconds(true, 1, 77, 60.0) > 330.0, "{}", stops.seconds(true, 1, 77, 60.0));
        assert!((stops.seconds(true, 1, 10, 60.0) - 120.0).abs() < 10.0);
        assert!(
            (stops.seconds(true, 1, 999, 60.0) - 120.0).abs() < 10.0,
            "a new address is as the shop's others"
        );
        assert!(close(stops.seconds(false, 1, 77, 60.0), 60.0), "of pick-ups nothing is known");
    }

    #[test]
    fn one_long_stop_says_little() {
        let mut all = vec![stop(1, 10, 120.0); 40];
        all.push(stop(1, 77, 900.0));
        all.push(stop(1, 78, 90_000.0));
        let stops = Stops::learn(&all);
        assert!(stops.seconds(true, 1, 77, 60.0) < 350.0);
        assert!((stops.seconds(true, 1, 78, 60.0) - 120.0).abs() < 10.0, "a forgotten tap");
    }
}
