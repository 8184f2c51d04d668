//! Section `travel`: other routing servers, and how long ways take where there are no roads to ask.

use kernel::travel::StraightLine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};
use crate::travel::Endpoint;

/// Who is asked first where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prefer {
    /// The roads of the map.
    #[default]
    Roads,
    /// The routing servers.
    Remote,
}

/// How long ways take: the roads of the map, else a routing server that is named here (OSRM, Valhalla, Mapbox, in this
/// order), else a straight line times a detour.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Travel {
    /// Metres per second, the same for everybody. Without it: what is usual for each kind of vehicle, with a detour of 1.3.
    pub speed_m_s: Option<f64>,
    /// Way by road over straight line, with `speed_m_s`.
    pub detour: f64,
    /// Round up to whole minutes, with `speed_m_s`; as instances of the meal delivery problem do.
    pub whole_minutes: bool,
    /// Who is asked first: `roads` (of the map, where it has them) or `remote` (the routing servers that are named here).
    pub prefer: Prefer,
    /// Address of an OSRM server (`http://10.0.0.5:5000`). It may be on a private address; this setting permits that host
    /// and port.
    pub osrm_url: Option<String>,
    /// What that server has roads for: `car`, `motorcycle`, `bicycle`, `cargo_bike`, `foot`. A server that is started
    /// by `osrm-routed` has one of them. `bicycle=NAME` says what it is called in the server's paths (otherwise `car`, `bike`,
    /// `foot`).
    pub osrm_profiles: Vec<String>,
    /// Address of a Valhalla server (`http://10.0.0.5:8002`). It may be on a private address; this setting permits that
    /// host and port.
    pub valhalla_url: Option<String>,
    /// Access token of Mapbox, whose matrix service is then asked. Each pair of places is billed, and places leave the
    /// installation.
    pub mapbox_token: Option<Secret>,
    /// With the traffic of the moment, for cars and motorcycles.
    pub mapbox_traffic: bool,
}

impl Default for Travel {
    fn default() -> Self {
        Self {
            speed_m_s: None,
            detour: 1.3,
            whole_minutes: false,
            prefer: Prefer::Roads,
            osrm_url: None,
            osrm_profiles: vec!["car".to_owned()],
            valhalla_url: None,
            mapbox_token: None,
            mapbox_traffic: false,
        }
    }
}

impl Travel {
    pub(super) fn validate(&self, p: &mut Problems) {
        let speed = self.speed_m_s.is_none_or(|speed| (0.1..=100.0).contains(&speed));
        p.check(speed, "travel.speed_m_s", "must be between 0.1 and 100");
        p.check((1.0..=10.0).contains(&self.detour), "travel.detour", "must be between 1 and 10");
        for (key, url) in [("travel.osrm_url", &self.osrm_url), ("travel.valhalla_url", &self.valhalla_url)] {
            p.check(
                url.as_deref().is_none_or(|url| Endpoint::check(url).is_ok()),
                key,
                "must begin with http:// or https:// and name a host, without credentials, query or fragment",
            );
        }
        p.check(!self.osrm_profiles.is_empty(), "travel.osrm_profiles", "must name a profile");
        p.check(
            self.speed_m_s.is_none() || !self.has_servers(),
            "travel.speed_m_s",
            "makes every way a straight line: remove it, or the routing servers",
        );
        p.check(
            self.prefer == Prefer::Roads || self.has_servers(),
            "travel.prefer",
            "is remote, but no routing server is named (travel.osrm_url, valhalla_url or mapbox_token)",
        );
    }

    /// Whether a routing server is named.
    pub fn has_servers(&self) -> bool {
        self.osrm_url.is_some() || self.valhalla_url.is_some() || self.mapbox_token.is_some()
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
    fn problems(travel: &Travel) -> Vec<String> {
        let mut problems = Problems(Vec::new());
        travel.validate(&mut problems);
        problems.0
    }

    #[test]
    fn addresses_that_would_show_a_password_or_lose_it_are_refused() {
        let with = |url: &str| Travel { osrm_url: Some(url.to_owned()), ..Travel::default() };
        for good in ["http://osrm:5000", "http://[fd00::5]:5000/", "https://routing.example.org/routed-car"] {
            assert_eq!(problems(&with(good)), Vec::<String>::new(), "{good}");
        }
        for bad in ["osrm:5000", "http://u:secret@osrm", "http://osrm/?key=secret", "ftp://osrm"] {
            let found = problems(&with(bad));
            assert!(found.len() == 1 && !found[0].contains("secret"), "{bad}: {found:?}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let server = Travel { valhalla_url: Some("http://valhalla:8002".to_owned()), ..Travel::default() };
        assert_eq!(problems(&Travel { prefer: Prefer::Remote, ..server.clone() }), Vec::<String>::new());
        assert_eq!(problems(&Travel { speed_m_s: Some(5.0), ..server }).len(), 1);
        assert_eq!(problems(&Travel { prefer: Prefer::Remote, ..Travel::default() }).len(), 1);
    }
}
