//! Section `travel`: other routing servers, and how long ways take where there are no roads to ask.

use kernel::travel::StraightLine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret, is_web};

/// How long ways take: the roads of the map, else a routing server that is named here, else a straight line times a detour.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Travel {
    /// Metres per second, the same for everybody. Without it: what is usual for each kind of vehicle, with a detour of 1.3.
    pub speed_m_s: Option<f64>,
    /// Way by road over straight line, with `speed_m_s`.
    pub detour: f64,
    /// Round up to whole minutes, with `speed_m_s`; as instances of the meal delivery problem do.
    pub whole_minutes: bool,
    /// Address of an OSRM server.
    pub osrm_url: Option<String>,
    /// Address of a Valhalla server.
    pub valhalla_url: Option<String>,
    /// Access token of Mapbox, whose matrix service is then asked.
    pub mapbox_token: Option<Secret>,
}

impl Default for Travel {
    fn default() -> Self {
        Self {
            speed_m_s: None,
            detour: 1.3,
            whole_minutes: false,
            osrm_url: None,
            valhalla_url: None,
            mapbox_token: None,
        }
    }
}

impl Travel {
    pub(super) fn validate(&self, p: &mut Problems) {
        let speed = self.speed_m_s.is_none_or(|speed| (0.1..=100.0).contains(&speed));
        p.check(speed, "travel.speed_m_s", "must be between 0.1 and 100");
        p.check((1.0..=10.0).contains(&self.detour), "travel.detour", "must be between 1 and 10");
        for (key, url) in [("travel.osrm_url", &self.osrm_url), ("travel.valhalla_url", &self.valhalla_url)] {
            let web = url.as_deref().is_none_or(is_web);
            p.check(web, key, "must begin with http:// or https://");
        }
    }

    /// The line for everybody, if there is one.
    pub fn line(&self) -> Option<StraightLine> {
        let (detour, whole_minutes) = (self.detour, self.whole_minutes);
        self.speed_m_s.map(|speed_m_s| StraightLine { detour, speed_m_s, whole_minutes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_speed_makes_a_line() {
        assert_eq!(Travel::default().line(), None);
        let line =
            Travel { speed_m_s: Some(5.0), detour: 1.0, whole_minutes: true, ..Travel::default() }.line();
        assert_eq!(line, Some(StraightLine { speed_m_s: 5.0, detour: 1.0, whole_minutes: true }));
    }
}
