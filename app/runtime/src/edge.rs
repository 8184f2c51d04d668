//! The gateway in front of the services of this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use gateway::{Dependency, Gateway};
use http::HeaderValue;
use identity::CachedExchange;
use kernel::time::SharedClock;
use platform::auth::Verifier;
use platform::config::Config;
use platform::http::Channel;
use platform::http::layers::{Edge, Limits};
use platform::http::openapi::ServiceApi;
use platform::http::operations::{Authenticator, Gate, Operations, RateLimits};
use platform::http::rate_limit::{Policy, RateLimiter};
use platform::lifecycle::Readiness;
use platform::telemetry::metrics::Metrics;

use crate::installation::{IdentityParts, Installation};

/// What the gateway is made from.
pub(crate) struct Parts<'a> {
    pub installation: &'a Installation,
    pub identity: &'a IdentityParts,
    pub readiness: Readiness,
    pub metrics: Metrics,
    pub public_url: String,
}

/// Puts the gateway before these services.
pub(crate) fn gateway(parts: Parts<'_>, apis: Vec<ServiceApi>) -> Result<Gateway> {
    let Parts { installation, identity, readiness, metrics, public_url } = parts;
    let config = installation.settings.config();
    let authenticator = authenticator(identity, &public_url, Arc::clone(&installation.clock));
    let deadline = Duration::from_secs(config.http.request_timeout_s.into());
    let mut services = Vec::new();
    for api in apis {
        let operations = Arc::new(Operations::build(&[&api]).map_err(platform::Error::internal)?);
        // Enforced at the edge and again here: a mistake in one place is not a hole.
        let gate = Gate::new(operations, authenticator.clone());
        let channel = Channel::in_process(gate.wrap(api.router()), deadline);
        services.push((api, channel));
    }
    Ok(gateway::service(gateway::Deps {
        services,
        authenticator,
        limits: Some(rate_limits(config, Arc::clone(&installation.limiter))),
        keys: Arc::new(identity.published.clone()),
        readiness: Arc::new(Probes(readiness)),
        metrics: Arc::new(move || metrics.render()),
        metrics_token: config.telemetry.metrics_token.as_ref().map(|token| token.inner().clone()),
        edge: edge(installation, &public_url)?,
    })?)
}

fn authenticator(parts: &IdentityParts, public_url: &str, clock: SharedClock) -> Authenticator {
    let keys = Arc::new(parts.published.clone());
    let verifier = Verifier::new(public_url.to_owned(), keys, clock, parts.revocations.clone());
    Authenticator::new(verifier, Arc::new(CachedExchange::new(parts.identity.clone())))
}

fn edge(installation: &Installation, public_url: &str) -> Result<Edge> {
    let http = &installation.settings.config().http;
    let mut edge = Edge::new(Arc::clone(&installation.clock), installation.random.clone());
    edge.limits = Limits {
        body: usize::try_from(http.body_limit_bytes).unwrap_or(usize::MAX),
        request: Duration::from_secs(http.request_timeout_s.into()),
        ..Limits::default()
    };
    for origin in &http.cors_origins {
        edge.cors_origins.push(HeaderValue::from_str(origin).context("http.cors_origins")?);
    }
    for network in &http.trusted_proxies {
        edge.trusted_proxies
            .push(network.parse().with_context(|| format!("http.trusted_proxies: {network}"))?);
    }
    edge.compression = http.compression;
    edge.hsts = public_url.starts_with("https://");
    Ok(edge)
}

/// Operations on which somebody could guess a secret, counted by address; guesses at one account are counted apart.
const GUESSABLE: [&str; 5] =
    ["sign_in", "sign_in_second_factor", "sign_in_passkey", "register", "forgot_password"];

fn rate_limits(config: &Config, limiter: Arc<dyn RateLimiter>) -> RateLimits {
    let limits = &config.limits;
    let per_minute = |name, quota| Policy { name, quota, window: Duration::from_mins(1) };
    let sign_in = per_minute("sign_in", limits.sign_in_per_minute);
    RateLimits {
        limiter,
        anonymous: per_minute("anonymous", limits.anonymous_per_minute),
        principal: per_minute("user", limits.user_per_minute),
        key: per_minute("key", limits.key_per_minute),
        operations: GUESSABLE.iter().map(|id| ((*id).to_owned(), sign_in)).collect::<BTreeMap<_, _>>(),
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
