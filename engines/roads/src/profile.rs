//! Profiles: how a vehicle uses the roads, as data that an owner can replace.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The profiles that come with the product.
const EMBEDDED: [(&str, &str); 5] = [
    ("car", include_str!("../profiles/car.toml")),
    ("motorcycle", include_str!("../profiles/motorcycle.toml")),
    ("bicycle", include_str!("../profiles/bicycle.toml")),
    ("cargo_bike", include_str!("../profiles/cargo_bike.toml")),
    ("foot", include_str!("../profiles/foot.toml")),
];

const MAX_CLASSES: usize = 200;
const FASTEST_KMH: f64 = 300.0;

/// How a vehicle uses the roads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a configuration file")]
pub struct Profile {
    /// Names the file of the roads: small letters, digits and `_`.
    pub name: String,
    /// Access tags from the general to the particular.
    pub access: Vec<String>,
    /// Tags of turn restrictions that this vehicle obeys; empty for a pedestrian.
    #[serde(default)]
    pub restriction: Vec<String>,
    /// Values of `except` that free this vehicle.
    #[serde(default)]
    pub except: Vec<String>,
    /// One-way streets are one-way.
    pub obey_oneway: bool,
    /// One-way tags from the general to the particular.
    #[serde(default)]
    pub oneway: Vec<String>,
    /// Marked lanes against a one-way street open it (`cycleway=opposite` and the like).
    #[serde(default)]
    pub contraflow: bool,
    /// Legal limits matter.
    pub obey_limits: bool,
    /// The travel speed follows the legal limit; else the limit is only the most (a bicycle is no faster for it).
    #[serde(default)]
    pub follows_limits: bool,
    /// Travel speed over the legal limit.
    pub limit_factor: f64,
    /// The vehicle goes no faster.
    pub max_speed_kmh: f64,
    /// Waiting at a traffic light, on average.
    pub signal_s: f64,
    /// The most that a turn costs.
    pub turn_s: f64,
    /// Above 1: turns across the oncoming traffic cost more.
    pub turn_bias: f64,
    /// Turning round at a dead end.
    pub u_turn_s: f64,
    /// A point further from a road is refused; metres.
    pub max_snap_m: f64,
    /// Speed of a ferry without `duration`.
    pub ferry_kmh: f64,
    /// Waiting for a ferry, on average.
    pub ferry_wait_s: f64,
    /// `key=value` that closes a way.
    #[serde(default)]
    pub closed_by: Vec<String>,
    /// Kinds of barrier that let the vehicle pass; any other kind blocks.
    #[serde(default)]
    pub barriers_pass: Vec<String>,
    /// Instead: kinds that block, any other kind lets pass.
    #[serde(default)]
    pub barriers_block: Vec<String>,
    /// Values of `highway` that the vehicle uses.
    pub classes: BTreeMap<String, Class>,
    /// Key, value: the most that is possible there in km/h; 0 closes.
    #[serde(default)]
    pub caps: BTreeMap<String, BTreeMap<String, f64>>,
}

/// One kind of road.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Travel speed where no limit is known.
    pub kmh: f64,
    /// One-way unless said otherwise.
    #[serde(default)]
    pub oneway: bool,
    /// Only where a tag for this vehicle opens it.
    #[serde(default)]
    pub closed: bool,
}

/// Of a ferry, after the classes of the profile.
pub(crate) const FERRY: &str = "ferry";

impl Profile {
    /// A profile that comes with the product: car, motorcycle, bicycle, cargo_bike or foot.
    pub fn embedded(name: &str) -> Result<Self, Error> {
        let found = EMBEDDED.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| {
            let known: Vec<_> = EMBEDDED.iter().map(|(known, _)| *known).collect();
            Error::Profile {
                name: name.to_owned(),
                what: format!("there is none of this name, only {}", known.join(", ")),
            }
        })?;
        Self::parse(text)
    }

    /// An owner's own profile (TOML).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let profile: Self = toml::from_str(text)
            .map_err(|error| Error::Profile { name: "given".to_owned(), what: error.to_string() })?;
        profile.check()?;
        Ok(profile)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::Profile { name: self.name.clone(), what: what.to_owned() });
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.bytes().all(plain) {
            return wrong("its name may have small letters, digits and _ only");
        }
        if self.access.is_empty() || self.classes.is_empty() || self.classes.len() > MAX_CLASSES {
            return wrong("it needs access tags and 1 to 200 classes");
        }
        let speeds = self.classes.values().map(|class| class.kmh).chain([self.max_speed_kmh, self.ferry_kmh]);
        if !speeds.into_iter().all(|kmh| (1.0..=FASTEST_KMH).contains(&kmh)) {
            return wrong("speeds are 1 to 300 km/h");
        }
        if !self.caps.values().flat_map(BTreeMap::values).all(|kmh| (0.0..=FASTEST_KMH).contains(kmh)) {
            return wrong("caps are 0 to 300 km/h");
        }
        let times = [self.signal_s, self.turn_s, self.u_turn_s, self.ferry_wait_s];
        if !times.iter().all(|seconds| (0.0..=3_600.0).contains(seconds)) {
            return wrong("times are 0 to 3600 s");
        }
        if !(0.1..=2.0).contains(&self.limit_factor) || !(0.5..=2.0).contains(&self.turn_bias) {
            return wrong("limit_factor is 0.1 to 2, turn_bias 0.5 to 2");
        }
        if !(1.0..=5_000.0).contains(&self.max_snap_m) {
            return wrong("max_snap_m is 1 to 5000");
        }
        Ok(())
    }

    /// The classes by number: those of the profile in the order of their names, then the ferry.
    pub fn class_names(&self) -> Vec<String> {
        self.classes.keys().cloned().chain([FERRY.to_owned()]).collect()
    }

    /// The file of this profile's roads.
    pub(crate) fn file_name(name: &str) -> String {
        format!("roads/{name}.graph")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_of_the_product_is_valid_and_named_as_it_is_asked_for() {
        for (name, _) in EMBEDDED {
            assert_eq!(Profile::embedded(name).unwrap().name, name);
        }
        assert!(Profile::embedded("hovercraft").unwrap_err().to_string().contains("only car, motorcycle"));
    }

    #[test]
    fn an_owners_profile_is_checked() {
        let good = EMBEDDED[0].1;
        for (from, to) in [
            ("limit_factor = 0.8", "limit_factor = 80"),
            ("kmh = 90", "kmh = 0"),
            ("name = \"car\"", "name = \"../car\""),
            ("turn_s = 7.5", "turn_s = -1"),
            ("obey_limits = true", "obey_limits = true\nobey_gravity = true"),
        ] {
            let text = good.replace(from, to);
            assert_ne!(text, good, "{from}");
            assert!(Profile::parse(&text).is_err(), "{to}");
        }
    }
}
