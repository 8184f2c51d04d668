//! Settings of one start: flags, environment, file and defaults, read once.

use std::path::PathBuf;

use anyhow::Result;
use platform::config::{Config, LoadOptions, Loaded, Override, Tls};
use platform::postgres::PrivateOptions;
use platform::service::MapFiles;

use crate::place::Place;
use crate::tls;
use crate::travel::osrm_roads;
use crate::usage::usage;

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Flags that stand for settings.
    pub overrides: Vec<Override>,
    /// `--sim-clock`: the hub of a sandbox.
    pub sim_clock: Option<PathBuf>,
}

/// Everything that was decided before anything runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder.
    pub place: Place,
    /// The values and where they came from.
    pub loaded: Loaded,
    /// The hub of a sandbox.
    pub sim_clock: Option<PathBuf>,
}

impl Settings {
    /// Reads them. Nothing is created.
    pub fn load(start: Start) -> Result<Self> {
        let place = Place::resolve(start.data_dir.as_deref())?;
        let loaded = Config::load(LoadOptions {
            data_dir: Some(place.folder.clone()),
            file: start.config,
            environment: environment(),
            overrides: start.overrides,
        })?;
        Ok(Self { place, loaded, sim_clock: start.sim_clock })
    }

    /// The values.
    pub fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// Where the map of the area is, or would be.
    pub fn map_folder(&self) -> PathBuf {
        self.config().map.folder.as_ref().map_or_else(|| self.place.folder.join("map"), PathBuf::from)
    }

    /// The files of the map, for the services.
    pub(crate) fn map_files(&self) -> MapFiles {
        let pmtiles = self.config().map.pmtiles.as_ref().map(PathBuf::from);
        MapFiles { folder: Some(self.map_folder()), pmtiles }
    }

    /// What the private PostgreSQL needs to know.
    pub fn private_postgres(&self) -> PrivateOptions {
        let database = &self.config().database;
        let mut options = PrivateOptions::new(&self.place.folder).with_environment(std::env::vars_os());
        options.max_connections = database.private_max_connections;
        if let Some(folder) = &database.postgres_bin {
            options.places.explicit = Some(folder.into());
        }
        options
    }

    /// Refuses what contradicts itself, and what is designed but not built yet, instead of ignoring it.
    pub fn check_supported(&self) -> Result<()> {
        let config = self.config();
        tls::check(&config.http)?;
        if config.bus.amqp_url.is_some() {
            return Err(usage(
                "bus.amqp_url (AMQP_URL) is set, but this build does not have that part yet. Remove it; without it \
                 DropMate uses PostgreSQL.",
            ));
        }
        osrm_roads(&config.travel).map_err(|error| usage(format!("{error:#}")))?;
        Ok(())
    }

    /// The address that people type, as far as it is known: the setting, else what the running process noted, else
    /// what it would listen on.
    pub fn public_url(&self) -> String {
        let config = self.config();
        let noted = || std::fs::read_to_string(self.place.address(None)).ok();
        let url = config.http.public_url.clone().or_else(|| noted().and_then(|text| line(&text, 0)));
        let url = url.unwrap_or_else(|| local_url(&config.http.listen, self.ends_tls(None)));
        url.trim_end_matches('/').to_owned()
    }

    /// Where the process of a part, or of everything, can be asked from this machine.
    pub fn local_url(&self, part: Option<&str>) -> String {
        let noted = std::fs::read_to_string(self.place.address(part)).ok();
        let listen = &self.config().http.listen;
        noted.and_then(|text| line(&text, 1)).unwrap_or_else(|| local_url(listen, self.ends_tls(part)))
    }

    /// Whether the process of a part, or of everything, ends TLS: only the one with the gateway does.
    pub(crate) fn ends_tls(&self, part: Option<&str>) -> bool {
        let gateway = part.is_none_or(|names| names.split(',').any(|name| name == gateway::NAME));
        gateway && self.config().http.tls != Tls::Off
    }

    /// The certificate that the running process is known by on this machine, if it ends TLS.
    pub fn local_authority(&self) -> Option<Vec<u8>> {
        std::fs::read(self.place.tls().join(tls::PUBLIC_FILE)).ok()
    }
}

fn line(text: &str, number: usize) -> Option<String> {
    text.lines().nth(number).filter(|line| !line.is_empty()).map(str::to_owned)
}

/// `http://` or `https://`, and an address that this machine can connect to: "all addresses" is one to listen on, not to
/// go to.
pub(crate) fn local_url(listen: &str, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let Ok(mut address) = listen.parse::<std::net::SocketAddr>() else {
        return format!("{scheme}://{listen}");
    };
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("{scheme}://{address}")
}

fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_becomes_one_to_go_to() {
        assert_eq!(local_url("127.0.0.1:8080", false), "http://127.0.0.1:8080");
        assert_eq!(local_url("0.0.0.0:80", false), "http://127.0.0.1:80");
        assert_eq!(local_url("[::]:443", true), "https://[::1]:443");
    }
}
