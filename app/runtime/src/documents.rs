//! Generated documents: the same bytes from the same code, on every machine. Nothing is connected to.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Result;
use futures::future::BoxFuture;
use gateway::Dependency;
use identity::Identity;
use kernel::random::Random;
use kernel::time::{ManualClock, SharedClock, Timestamp};
use platform::Kind;
use platform::auth::{Revocations, StaticKeys, Verifier};
use platform::http::Channel;
use platform::http::layers::Edge;
use platform::http::openapi::ServiceApi;
use platform::http::operations::{Authenticator, NoKeys};
use platform::mail::{Address, FolderMailer};
use platform::service::Ground;

use crate::rooms::ROOMS;

/// The OpenAPI document, readable, with a final line break.
pub fn openapi() -> Result<String> {
    let clock: SharedClock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let random = Random::seeded(0);
    let channel = Channel::in_process(axum::Router::new(), std::time::Duration::from_secs(1));
    let mut services = vec![(identity_api(&clock, &random)?, channel.clone())];
    for room in &ROOMS {
        services.push((room.unconnected(&clock, &random)?, channel.clone()));
    }
    let keys = Arc::new(StaticKeys::default());
    let verifier = Verifier::new(String::new(), keys.clone(), Arc::clone(&clock), Revocations::default());
    let gateway = gateway::service(gateway::Deps {
        services,
        authenticator: Authenticator::new(verifier, Arc::new(NoKeys)),
        limits: None,
        keys,
        readiness: Arc::new(Nothing),
        metrics: Arc::new(String::new),
        metrics_token: None,
        phones: gateway::Phones::default(),
        realtime: None,
        edge: Edge::new(clock, random),
    })?;
    Ok(serde_json::to_string_pretty(gateway.document.value())? + "\n")
}

/// The routes and the document of identity, for a process that calls it elsewhere.
pub(crate) fn identity_api(clock: &SharedClock, random: &Random) -> Result<ServiceApi> {
    Ok(identity::api(&unconnected(clock, random)?)?)
}

fn unconnected(clock: &SharedClock, random: &Random) -> Result<Identity> {
    let ground = Ground::unconnected(identity::NAME, clock, random);
    let from = Address::parse("nobody@example.org")?;
    Ok(Identity::new(identity::Deps {
        db: ground.db,
        files: ground.files,
        vault: ground.vault,
        mailer: Arc::new(FolderMailer::new("", from, Arc::clone(clock), random.clone())),
        limiter: ground.limiter,
        published: StaticKeys::default(),
        revocations: Revocations::default(),
        settings: identity::Settings {
            public_url: String::new(),
            open_registration: false,
            password_min_length: 10,
            secure_cookies: true,
            key_rotation: kernel::time::SignedDuration::from_hours(30 * 24),
        },
        hash_concurrency: 1,
    }))
}

struct Nothing;

impl gateway::Readiness for Nothing {
    fn check(&self) -> BoxFuture<'_, Vec<Dependency>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// The kinds of errors with their status codes, as Markdown.
pub fn errors() -> String {
    let mut page = String::from(
        "# Errors\n\nGenerated from the code; do not edit. Every error is a problem document (RFC 9457) with a stable \
         `code`; [status-codes.md](../status-codes.md) says what to do about each.\n\n| kind | status | whose fault |\n|---|---|---|\n",
    );
    for kind in KINDS {
        let whose = if kind.is_failure() { "ours" } else { "the caller's" };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| {kind:?} | {} | {whose} |", kind.status());
    }
    page
}

const KINDS: [Kind; 17] = [
    Kind::Malformed,
    Kind::Unauthenticated,
    Kind::Forbidden,
    Kind::NotFound,
    Kind::MethodNotAllowed,
    Kind::NotAcceptable,
    Kind::RequestTimeout,
    Kind::Conflict,
    Kind::Stale,
    Kind::TooLarge,
    Kind::UnsupportedMedia,
    Kind::Invalid,
    Kind::PreconditionRequired,
    Kind::TooMany,
    Kind::Internal,
    Kind::Unavailable,
    Kind::Timeout,
];
