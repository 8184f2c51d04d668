//! The services behind the gateway, and how those of one process are connected with each other and with the rest.
//!
//! A service is made from what it stands on ([`Ground`]) and knows the others as [`Peers`] only. Two services may need each
//! other, so their channels are handed out before their other ends exist, and connected when all are made. Whoever is
//! not in this process is called over HTTP; neither side can tell the difference.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use kernel::random::Random;
use kernel::time::SharedClock;
use platform::http::channel::Line;
use platform::http::openapi::ServiceApi;
use platform::http::operations::{Authenticator, Gate, Operations};
use platform::http::{Channel, Peers};
use platform::service::{Ground, Manifest, Service};

/// A service as it can be started: what it is called, whom it calls, and how it is made.
pub(crate) struct Room {
    pub name: &'static str,
    pub needs: &'static [&'static str],
    pub manifest: fn() -> Manifest,
    make: fn(&Ground) -> platform::Result<Service>,
}

macro_rules! room {
    ($service:ident) => {
        Room {
            name: $service::NAME,
            needs: $service::NEEDS,
            manifest: $service::manifest,
            make: $service::service,
        }
    };
}

/// All of them except identity, which is asked who calls and is therefore made first.
pub(crate) const ROOMS: [Room; 5] =
    [room!(storefront), room!(orders), room!(drivers), room!(dispatch), room!(tracking)];

impl Room {
    /// Its routes and their document, connected to nothing: for a process that calls it elsewhere.
    pub fn unconnected(&self, clock: &SharedClock, random: &Random) -> Result<ServiceApi> {
        Ok((self.make)(&Ground::unconnected(self.name, clock, random))?.api)
    }
}

/// Which services call which, over all that exist. Whoever checks credentials needs identity.
pub(crate) fn needs(service: &str) -> BTreeSet<&'static str> {
    if service == identity::NAME {
        return BTreeSet::new();
    }
    let called: Vec<&'static str> = match ROOMS.iter().find(|room| room.name == service) {
        Some(room) => room.needs.to_vec(),
        None => ROOMS.iter().map(|room| room.name).collect(),
    };
    called.into_iter().chain([identity::NAME]).collect()
}

/// What the rooms of a process are made with.
pub(crate) struct Plan<'a> {
    /// Which services run here.
    pub part: &'a BTreeSet<&'static str>,
    /// How long an answer may take to begin.
    pub deadline: Duration,
    /// Finds out who calls.
    pub authenticator: &'a Authenticator,
    /// Identity, where it runs here.
    pub identity: Option<&'a Service>,
    /// What a service stands on.
    pub ground: &'a dyn Fn(&'static str, Peers) -> Result<Ground>,
    /// A way from a service of this process to one elsewhere.
    pub remote: &'a dyn Fn(&'static str, &'static str) -> Result<Channel>,
}

/// Makes the rooms of this process, and connects them.
pub(crate) fn furnish(plan: &Plan<'_>) -> Result<Vec<Service>> {
    let mut services = Vec::new();
    let mut open: Vec<(&'static str, &'static str, Line)> = Vec::new();
    for room in ROOMS.iter().filter(|room| plan.part.contains(room.name)) {
        let mut peers = Peers::new();
        for &needed in room.needs {
            let channel = if plan.part.contains(needed) {
                let (channel, line) = Channel::later(plan.deadline);
                open.push((room.name, needed, line));
                channel
            } else {
                (plan.remote)(room.name, needed)?
            };
            peers = peers.with(needed, channel);
        }
        services.push((room.make)(&(plan.ground)(room.name, peers)?)?);
    }
    for (caller, callee, line) in open {
        let service = services.iter().chain(plan.identity).find(|service| service.manifest.name == callee);
        let internal = service.and_then(|service| service.internal.as_ref());
        let internal = internal.with_context(|| format!("{callee} answers no other service"))?;
        let router = gated(internal, plan.authenticator)?;
        line.connect(Channel::in_process_from(caller, router, plan.deadline));
    }
    Ok(services)
}

/// The services that the gateway calls in its own name, for clients that stay connected.
const ASKED_BY_THE_DOOR: [&str; 2] = [orders::NAME, tracking::NAME];

/// How the gateway reaches them.
pub(crate) fn peers_of_the_door(plan: &Plan<'_>, services: &[Service]) -> Result<Peers> {
    let mut peers = Peers::new();
    for callee in ASKED_BY_THE_DOOR {
        let here = services.iter().find(|service| service.manifest.name == callee);
        let channel = match here.map(|service| service.internal.as_ref()) {
            Some(Some(internal)) => {
                let router = gated(internal, plan.authenticator)?;
                Channel::in_process_from(gateway::NAME, router, plan.deadline)
            }
            Some(None) => continue,
            None => (plan.remote)(gateway::NAME, callee)?,
        };
        peers = peers.with(callee, channel);
    }
    Ok(peers)
}

/// A service's routes behind a gate of their own: a mistake in one place is not a hole.
pub(crate) fn gated(api: &ServiceApi, authenticator: &Authenticator) -> Result<Router> {
    Ok(gate(api, authenticator)?.wrap(api.router()))
}

/// The gate of a service's routes.
pub(crate) fn gate(api: &ServiceApi, authenticator: &Authenticator) -> Result<Gate> {
    let operations = Arc::new(Operations::build(&[api]).map_err(platform::Error::internal)?);
    Ok(Gate::new(operations, authenticator.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_needs_only_what_exists_and_never_the_gateway() {
        let names: BTreeSet<&str> = ROOMS.iter().map(|room| room.name).chain([identity::NAME]).collect();
        for room in &ROOMS {
            for needed in needs(room.name) {
                assert!(names.contains(needed) && needed != room.name, "{} needs {needed}", room.name);
            }
        }
        assert_eq!(needs(identity::NAME), BTreeSet::new());
        assert_eq!(needs(gateway::NAME), names);
    }
}
