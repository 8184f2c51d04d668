//! How good what people were told was: over all, by how far ahead it was said, by hour and by shop.

use std::collections::BTreeMap;

use ::eta::accuracy::{HORIZONS_S, Judged, Measures, measure};
use kernel::ids::ShopId;

/// A prediction with what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    /// The times.
    pub judged: Judged,
    /// Hour of the day when it was said, by the shop's wall clock.
    pub hour: u8,
    /// Whose goods.
    pub shop_id: Option<ShopId>,
}

/// The measures of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Accuracy {
    /// Of all; `None`: nothing was said, or nothing has happened.
    pub overall: Option<Measures>,
    /// By the time that was still to go: from and to, seconds, and the measures. The last has no end.
    pub horizons: Vec<(u32, Option<u32>, Measures)>,
    /// By hour, those in which something was said.
    pub hours: Vec<(u8, Measures)>,
    /// By shop.
    pub shops: Vec<(ShopId, Measures)>,
}

/// Measures them.
pub fn accuracy(all: &[Said]) -> Accuracy {
    let judged: Vec<Judged> = all.iter().map(|said| said.judged).collect();
    Accuracy {
        overall: measure(&judged),
        horizons: grouped(all, |said| Some(horizon(said.judged.expected_s)))
            .into_iter()
            .map(|((from, to), measures)| (from, to, measures))
            .collect(),
        hours: grouped(all, |said| Some(said.hour)),
        shops: grouped(all, |said| said.shop_id),
    }
}

fn grouped<K: Ord + Copy>(all: &[Said], key: impl Fn(&Said) -> Option<K>) -> Vec<(K, Measures)> {
    let mut groups: BTreeMap<K, Vec<Judged>> = BTreeMap::new();
    for said in all {
        if let Some(key) = key(said) {
            groups.entry(key).or_default().push(said.judged);
        }
    }
    groups.into_iter().filter_map(|(key, judged)| Some((key, measure(&judged)?))).collect()
}

/// The begin and the end of the horizon in which something lies.
fn horizon(expected_s: f64) -> (u32, Option<u32>) {
    let mut from = 0;
    for to in HORIZONS_S {
        if expected_s <= f64::from(to) {
            return (from, Some(to));
        }
        from = to;
    }
    (from, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::Uuid;

    fn said(expected_s: f64, late_s: f64, hour: u8, shop: Option<u128>) -> Said {
        let judged = Judged {
            expected_s,
            earliest_s: expected_s - 180.0,
            latest_s: expected_s + 300.0,
            actual_s: expected_s + late_s,
            probability: 0.8,
        };
        Said { judged, hour, shop_id: shop.map(|number| ShopId::new(Uuid::from_u128(number))) }
    }

    #[test]
    fn nothing_has_no_measures() {
        let nothing = accuracy(&[]);
        assert!(nothing.overall.is_none() && nothing.hours.is_empty() && nothing.horizons.is_empty());
    }

    #[test]
    fn each_group_has_its_own() {
        let all = [
            said(300.0, 60.0, 12, Some(1)),
            said(600.0, 60.0, 12, Some(1)),
            said(900.0, 400.0, 18, Some(2)),
            said(4_000.0, 0.0, 18, None),
        ];
        let found = accuracy(&all);
        assert_eq!(found.overall.map(|measures| measures.count), Some(4));
        let horizons: Vec<_> = found.horizons.iter().map(|(from, to, of)| (*from, *to, of.count)).collect();
        assert_eq!(horizons, [(0, Some(600), 2), (600, Some(1_800), 1), (1_800, None, 1)]);
        let hours: Vec<_> = found.hours.iter().map(|(hour, of)| (*hour, of.count)).collect();
        assert_eq!(hours, [(12, 2), (18, 2)]);
        assert_eq!(found.shops.len(), 2, "what has no shop is not among them");
        assert!((found.shops[1].1.late_share - 1.0).abs() < 1e-9);
    }
}
