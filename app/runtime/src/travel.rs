//! Where this installation has its travel times from: the roads of its map, the routing servers that its operator names, a
//! straight line for the rest ([ADR 0039](../../../docs/adr/0039-routing-servers.md)).

#[cfg(test)]
mod proof;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use kernel::time::SharedClock;
use kernel::travel::StraightLine;
use mapbox::Mapbox;
use osrm::{Osrm, Roads};
use platform::config::{Prefer, Travel};
use platform::travel::tables::TableServer;
use platform::travel::{Chain, Endpoint, Provider, Straight, TravelTimes};
use valhalla::Valhalla;

use crate::roads::{self, RoadTravel};
use crate::settings::Settings;

/// One request to a routing server. All requests of one question together have as long ([`Chain`]).
const PATIENCE: Duration = Duration::from_secs(2);

/// What services ask. A line for everybody stands alone, because whoever sets one wants nothing else.
pub(crate) fn travel_times(settings: &Settings, clock: &SharedClock) -> Result<Arc<dyn TravelTimes>> {
    let config = settings.config();
    if let Some(line) = config.travel.line() {
        return Ok(Arc::new(Straight { line: Some(line) }));
    }
    let zone = config.map.time_zone.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    let own = Provider::near(roads::SOURCE, RoadTravel::new(settings.map_folder(), zone));
    Ok(Arc::new(chain(&config.travel, own, clock)?))
}

fn chain(travel: &Travel, own: Provider, clock: &SharedClock) -> Result<Chain> {
    let remote = |server: Server| {
        Provider::remote(server.times.source(), server.times, Arc::clone(clock), server.by_hour)
    };
    let mut providers: Vec<Provider> = servers(travel, PATIENCE)?.into_iter().map(remote).collect();
    match travel.prefer {
        Prefer::Roads => providers.insert(0, own),
        Prefer::Remote => providers.push(own),
    }
    providers.push(Provider::near(StraightLine::SOURCE, Straight::default()));
    Ok(Chain::new(providers))
}

/// A routing server that the configuration names.
#[derive(Debug)]
pub(crate) struct Server {
    /// The setting that names it.
    pub setting: &'static str,
    /// It.
    pub times: Arc<dyn TableServer>,
    /// Whether its answers depend on the hour.
    pub by_hour: bool,
}

/// The routing servers that are named, in their order.
pub(crate) fn servers(travel: &Travel, patience: Duration) -> Result<Vec<Server>> {
    let mut servers = Vec::new();
    if let Some(url) = &travel.osrm_url {
        let setting = "travel.osrm_url";
        let endpoint = Endpoint::configured(url, patience).context(setting)?;
        let times = Arc::new(Osrm::new(endpoint, osrm_roads(travel)?));
        servers.push(Server { setting, times, by_hour: false });
    }
    if let Some(url) = &travel.valhalla_url {
        let setting = "travel.valhalla_url";
        let times = Arc::new(Valhalla::new(Endpoint::configured(url, patience).context(setting)?));
        servers.push(Server { setting, times, by_hour: false });
    }
    if let Some(token) = &travel.mapbox_token {
        let setting = "travel.mapbox_token";
        let (endpoint, traffic) = (Endpoint::public(mapbox::ADDRESS, patience), travel.mapbox_traffic);
        let times = Arc::new(Mapbox::new(endpoint.context(setting)?, token.inner().clone(), traffic));
        servers.push(Server { setting, times, by_hour: traffic });
    }
    Ok(servers)
}

/// What the OSRM server has roads for.
pub(crate) fn osrm_roads(travel: &Travel) -> Result<Roads> {
    Roads::read(travel.osrm_profiles.iter().map(String::as_str)).context("travel.osrm_profiles")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use kernel::time::{ManualClock, Timestamp};

    use super::*;

    fn names(travel: &Travel) -> Vec<&'static str> {
        let clock: SharedClock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let own = Provider::near(roads::SOURCE, RoadTravel::new(PathBuf::from("nowhere"), None));
        chain(travel, own, &clock).unwrap().names()
    }

    #[test]
    fn own_roads_come_first_unless_the_operator_prefers_the_servers() {
        assert_eq!(names(&Travel::default()), ["roads", "straight_line"]);
        let all = Travel {
            osrm_url: Some("http://10.0.0.5:5000".to_owned()),
            valhalla_url: Some("http://valhalla:8002".to_owned()),
            mapbox_token: Some("pk.x".into()),
            ..Travel::default()
        };
        assert_eq!(names(&all), ["roads", "osrm", "valhalla", "mapbox", "straight_line"]);
        let remote = Travel { prefer: Prefer::Remote, osrm_url: None, ..all };
        assert_eq!(names(&remote), ["valhalla", "mapbox", "roads", "straight_line"]);
    }

    #[test]
    fn roads_that_no_server_has_are_named_with_the_setting() {
        let travel = Travel { osrm_profiles: vec!["lorry".to_owned()], ..Travel::default() };
        let error = osrm_roads(&travel).unwrap_err();
        assert!(
            format!("{error:#}").contains("travel.osrm_profiles") && format!("{error:#}").contains("lorry")
        );
    }
}
