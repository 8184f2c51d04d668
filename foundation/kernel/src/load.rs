//! How much an order takes and a vehicle carries, in three measures that are counted side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of a measure; read as text, so that an error can say at which of them it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
enum Measure {
    WeightG,
    VolumeMl,
    Count,
}

impl TryFrom<String> for Measure {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "weight_g" => Ok(Self::WeightG),
            "volume_ml" => Ok(Self::VolumeMl),
            "count" => Ok(Self::Count),
            _ => Err(format!("unknown field `{name}`, expected one of `weight_g`, `volume_ml`, `count`")),
        }
    }
}

/// An amount in all three measures. As what an order takes, 0 means "nothing to speak of".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Measure, u32>")]
pub struct Load {
    /// Grams.
    pub weight_g: u32,
    /// Millilitres.
    pub volume_ml: u32,
    /// Pieces.
    pub count: u32,
}

/// By name, and not by place as a list would be.
impl From<BTreeMap<Measure, u32>> for Load {
    fn from(measures: BTreeMap<Measure, u32>) -> Self {
        let amount = |measure| measures.get(&measure).copied().unwrap_or_default();
        Self {
            weight_g: amount(Measure::WeightG),
            volume_ml: amount(Measure::VolumeMl),
            count: amount(Measure::Count),
        }
    }
}

impl Load {
    /// Both together; what does not fit into the numbers stays at their end.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            weight_g: self.weight_g.saturating_add(other.weight_g),
            volume_ml: self.volume_ml.saturating_add(other.volume_ml),
            count: self.count.saturating_add(other.count),
        }
    }
}

/// What a vehicle can carry; a measure that nobody has stated does not limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Measure, Option<u32>>")]
pub struct Capacity {
    /// Grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<u32>,
    /// Millilitres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_ml: Option<u32>,
    /// Pieces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// By name, and not by place as a list would be.
impl From<BTreeMap<Measure, Option<u32>>> for Capacity {
    fn from(measures: BTreeMap<Measure, Option<u32>>) -> Self {
        let limit = |measure| measures.get(&measure).copied().flatten();
        Self {
            weight_g: limit(Measure::WeightG),
            volume_ml: limit(Measure::VolumeMl),
            count: limit(Measure::Count),
        }
    }
}

impl Capacity {
    /// Whether it holds all of this at once.
    pub fn holds(self, load: Load) -> bool {
        let fits = |limit: Option<u32>, amount: u32| limit.is_none_or(|limit| amount <= limit);
        fits(self.weight_g, load.weight_g)
            && fits(self.volume_ml, load.volume_ml)
            && fits(self.count, load.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stated_measure_limits() {
        let bag = Capacity { weight_g: Some(9_000), count: Some(4), volume_ml: None };
        let pizza = Load { weight_g: 600, volume_ml: 8_000, count: 1 };
        let four = pizza.plus(pizza).plus(pizza).plus(pizza);
        assert!(bag.holds(four));
        assert!(!bag.holds(four.plus(pizza)), "five pieces");
        assert!(!bag.holds(Load { weight_g: 9_001, ..Load::default() }), "too heavy");
        assert!(Capacity::default().holds(Load { weight_g: u32::MAX, volume_ml: u32::MAX, count: u32::MAX }));
    }
}
