//! The gateway in front of the services of this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use gateway::{About, Dependency, Gateway, Phones, Realtime};
use http::HeaderValue;
use identity::CachedExchange;
use kernel::random::Random;
use kernel::time::SharedClock;
use platform::auth::{KeySet, Verifier};
use platform::config::{Config, Tls};
use platform::http::Channel;
use platform::http::layers::{Edge, Limits};
use platform::http::openapi::ServiceApi;
use platform::http::operations::{Authenticator, RateLimits};
use platform::http::rate_limit::{Policy, RateLimiter};
use platform::lifecycle::Readiness;
use platform::service::Service;
use platform::telemetry::metrics::Metrics;

use crate::installation::IdentityParts;
use crate::rooms;

/// What the edge of a process is made from.
pub(crate) struct Parts<'a> {
    pub config: &'a Config,
    pub clock: &'a SharedClock,
    pub random: &'a Random,
    pub readiness: &'a Readiness,
    pub metrics: &'a Metrics,
    pub phones: &'a Phones,
}

impl Parts<'_> {
    /// How long an answer may take to begin.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.config.http.request_timeout_s.into())
    }

    /// What the process answers about itself.
    pub fn about(&self, keys: Arc<dyn KeySet>) -> About {
        let metrics = self.metrics.clone();
        About {
            keys,
            readiness: Arc::new(Probes(self.readiness.clone())),
            metrics: Arc::new(move || metrics.render()),
            metrics_token: self.config.telemetry.metrics_token.as_ref().map(|token| token.inner().clone()),
        }
    }
}

/// Services of this process, as the gateway reaches them.
pub(crate) fn in_process<'s>(
    parts: &Parts<'_>,
    authenticator: &Authenticator,
    services: impl Iterator<Item = &'s Service>,
) -> Result<Vec<(ServiceApi, Channel)>> {
    let gated = |service: &Service| {
        let router = rooms::gated(&service.api, authenticator)?;
        Ok((service.api.clone(), Channel::in_process(router, parts.deadline())))
    };
    services.map(gated).collect()
}

/// Puts the gateway before these services.
pub(crate) fn gateway(
    parts: &Parts<'_>,
    services: Vec<(ServiceApi, Channel)>,
    authenticator: Authenticator,
    keys: Arc<dyn KeySet>,
    limiter: Arc<dyn RateLimiter>,
    realtime: Realtime,
) -> Result<Gateway> {
    let About { keys, readiness, metrics, metrics_token } = parts.about(keys);
    Ok(gateway::service(gateway::Deps {
        services,
        authenticator,
        limits: Some(rate_limits(parts.config, limiter)),
        keys,
        readiness,
        metrics,
        metrics_token,
        phones: parts.phones.clone(),
        realtime: Some(realtime),
        edge: edge(parts)?,
    })?)
}

/// For a process with identity in it.
pub(crate) fn authenticator(parts: &IdentityParts, public_url: &str, clock: &SharedClock) -> Authenticator {
    let keys = Arc::new(parts.published.clone());
    let verifier = Verifier::new(public_url.to_owned(), keys, Arc::clone(clock), parts.revocations.clone());
    Authenticator::new(verifier, Arc::new(CachedExchange::new(parts.identity.clone())))
}

/// The layers around what people reach.
fn edge(parts: &Parts<'_>) -> Result<Edge> {
    let http = &parts.config.http;
    let mut edge = inner_edge(parts);
    for origin in &http.cors_origins {
        edge.cors_origins.push(HeaderValue::from_str(origin).context("http.cors_origins")?);
    }
    for network in &http.trusted_proxies {
        edge.trusted_proxies
            .push(network.parse().with_context(|| format!("http.trusted_proxies: {network}"))?);
    }
    edge.compression = http.compression;
    edge.hsts = strict(http.tls, &parts.phones.app);
    Ok(edge)
}

/// Whether browsers are told never to come without TLS again, and never to look past a warning. Not with a certificate of
/// our own: who has not installed the authority, or installs a new one, would be locked out for a year.
fn strict(tls: Tls, public_url: &str) -> bool {
    tls != Tls::SelfSigned && public_url.starts_with("https://")
}

/// The layers around what only services reach: the same limits, nothing for browsers.
pub(crate) fn inner_edge(parts: &Parts<'_>) -> Edge {
    let http = &parts.config.http;
    let mut edge = Edge::new(Arc::clone(parts.clock), parts.random.clone());
    edge.limits = Limits {
        body: usize::try_from(http.body_limit_bytes).unwrap_or(usize::MAX),
        picture: usize::try_from(parts.config.storage.upload_limit_bytes).unwrap_or(usize::MAX),
        request: parts.deadline(),
        ..Limits::default()
    };
    edge.compression = false;
    edge
}

/// Operations on which somebody could guess a secret, counted by address; guesses at one account are counted apart.
const GUESSABLE: [&str; 5] =
    ["sign_in", "sign_in_second_factor", "sign_in_passkey", "register", "forgot_password"];

/// Tracker apps show the secret of their device in their own ways, so here they are counted by address, behind which may be a
/// whole fleet; tracking counts each device.
const INGEST: [&str; 6] = [
    "ingest_owntracks",
    "ingest_traccar",
    "ingest_traccar_query",
    "ingest_gpslogger",
    "ingest_overland",
    "ingest_overland_token",
];
/// What a map asks for by the dozen whenever it is moved. It costs little and is public, so that it is counted apart and does not
/// use up what its caller has for everything else.
const DRAWN: [&str; 1] = ["get_map_tile"];
/// Devices that may share an address.
const FLEET: u32 = 20;

fn rate_limits(config: &Config, limiter: Arc<dyn RateLimiter>) -> RateLimits {
    let limits = &config.limits;
    let per_minute = |name, quota| Policy { name, quota, window: Duration::from_mins(1) };
    let sign_in = per_minute("sign_in", limits.sign_in_per_minute);
    let positions = per_minute("positions", limits.positions_per_minute);
    let ingest = per_minute("ingest", limits.positions_per_minute.saturating_mul(FLEET));
    let tiles = per_minute("tiles", limits.tiles_per_minute);
    let all = |ids: &[&str], policy| ids.iter().map(|id| ((*id).to_owned(), policy)).collect::<Vec<_>>();
    let operations = [
        all(&GUESSABLE, sign_in),
        all(&["report_location"], positions),
        all(&INGEST, ingest),
        all(&DRAWN, tiles),
    ];
    let operations = operations.into_iter().flatten();
    RateLimits {
        limiter,
        anonymous: per_minute("anonymous", limits.anonymous_per_minute),
        principal: per_minute("user", limits.user_per_minute),
        key: per_minute("key", limits.key_per_minute),
        operations: operations.collect::<BTreeMap<_, _>>(),
    }
}

/// What the background tasks found out, in the gateway's words.
struct Probes(Readiness);

impl gateway::Readiness for Probes {
    fn check(&self) -> BoxFuture<'_, Vec<Dependency>> {
        let report = self.0.report();
        let mut dependencies: Vec<Dependency> = report
            .dependencies
            .into_iter()
            .map(|(name, dependency)| Dependency { name, ok: dependency.up, required: dependency.required })
            .collect();
        if report.draining {
            dependencies.push(Dependency {
                name: "process (stopping)".to_owned(),
                ok: false,
                required: true,
            });
        }
        Box::pin(std::future::ready(dependencies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::time::{ManualClock, Timestamp};
    use platform::http::rate_limit::MemoryLimiter;

    #[test]
    fn tiles_of_the_map_have_a_larger_quota_of_their_own() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let of = |config: &Config| rate_limits(config, Arc::new(MemoryLimiter::new(clock.clone())));
        let usual = of(&Config::default());
        let tiles = usual.operations["get_map_tile"];
        assert_eq!((tiles.name, tiles.quota, tiles.window.as_secs()), ("tiles", 1_200, 60));
        assert!(tiles.quota > usual.anonymous.quota);
        let mut config = Config::default();
        config.limits.tiles_per_minute = 7;
        assert_eq!(of(&config).operations["get_map_tile"].quota, 7);
        assert!(!usual.operations.contains_key("get_tracking_page"), "everything else is counted as before");
    }

    #[test]
    fn browsers_are_told_to_insist_only_where_everybody_trusts_the_certificate() {
        assert!(strict(Tls::Acme, "https://deliver.example.org"));
        assert!(strict(Tls::Off, "https://deliver.example.org"), "a proxy ends TLS");
        assert!(!strict(Tls::Off, "http://127.0.0.1:8080"));
        assert!(!strict(Tls::SelfSigned, "https://192.168.1.20:8080"));
        assert!(!strict(Tls::SelfSigned, "https://deliver.example.org"));
    }
}
