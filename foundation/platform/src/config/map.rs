//! Section `map`: the map that `dropmate map import` makes.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problems;

/// The map that `dropmate map import` makes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Map {
    /// Its folder. Without it: `map` in the data folder.
    pub folder: Option<String>,
    /// A PMTiles archive in the Protomaps schema, drawn instead of the pictures of the map.
    pub pmtiles: Option<String>,
    /// IANA time zone of its roads, for rules and speeds that depend on the time of day. Without it they are left out.
    pub time_zone: Option<String>,
}

impl Map {
    pub(super) fn validate(&self, p: &mut Problems) {
        let known = self.time_zone.as_deref().is_none_or(|name| TimeZone::get(name).is_ok());
        p.check(known, "map.time_zone", "must be the name of an IANA time zone, such as Europe/Helsinki");
    }
}
