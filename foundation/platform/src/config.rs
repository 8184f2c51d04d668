//! Configuration: sections with defaults, read from a file, the environment and the command line (see [`load`]).
//!
//! Rules: nothing is global (the environment is handed in); unknown names are refused with the nearest known one; the
//! same setting given twice with different values stops the start; a secret has no default, is never shown, and may
//! come from a file (`DATABASE_URL_FILE`). Generated secrets are in [`secrets`].

pub mod secrets;

mod auth;
mod bus;
mod database;
mod egress;
mod http;
mod jobs;
mod keys;
mod limits;
mod load;
mod mail;
mod map;
mod redis;
mod secret;
mod services;
mod storage;
mod telemetry;
#[cfg(test)]
mod tests;
mod travel;
mod vault;

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use auth::Auth;
pub use bus::Bus;
pub use database::Database;
pub use egress::Egress;
pub use http::{Http, Tls};
pub use jobs::Jobs;
pub use keys::{SHORT_NAMES, schema};
pub use limits::Limits;
pub use load::{ConfigError, FILE_NAME, LoadOptions, Loaded, Override, Source};
pub use mail::Mail;
pub use map::Map;
pub use redis::Redis;
pub use secret::{MASK, Secret};
pub use services::{Roles, Services};
pub use storage::Storage;
pub use telemetry::{LogFormat, Telemetry};
pub use travel::{Prefer, Travel};
pub use vault::Vault;

/// All settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How DropMate is reached.
    pub http: Http,
    /// PostgreSQL.
    pub database: Database,
    /// Calls to other people's servers.
    pub egress: Egress,
    /// Redis or Valkey.
    pub redis: Redis,
    /// The event log.
    pub bus: Bus,
    /// Background jobs.
    pub jobs: Jobs,
    /// Signing in.
    pub auth: Auth,
    /// Outgoing e-mail.
    pub mail: Mail,
    /// Files.
    pub storage: Storage,
    /// Logs, traces and metrics.
    pub telemetry: Telemetry,
    /// Protection of personal data.
    pub vault: Vault,
    /// How many requests are answered.
    pub limits: Limits,
    /// How long ways take: other routing servers, and what is said where there are no roads to ask.
    pub travel: Travel,
    /// The map that `dropmate map import` makes.
    pub map: Map,
    /// Where the services in other processes are.
    pub services: Services,
    /// Passwords of single database roles.
    pub roles: Roles,
}

impl Config {
    /// Checks values alone and against each other; one sentence for each problem.
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Problems(Vec::new());
        self.http.validate(&mut problems);
        self.database.validate(&mut problems);
        self.egress.validate(&mut problems);
        self.redis.validate(&mut problems);
        self.bus.validate(&mut problems);
        self.jobs.validate(&mut problems);
        self.auth.validate(&mut problems);
        self.mail.validate(&mut problems);
        self.storage.validate(&mut problems);
        self.telemetry.validate(&mut problems);
        self.limits.validate(&mut problems);
        self.travel.validate(&mut problems);
        self.map.validate(&mut problems);
        self.services.validate(&mut problems);
        self.roles.validate(&mut problems);
        problems.0
    }
}

/// Collects what is wrong. Values are never repeated in it, because they may be secret.
struct Problems(Vec<String>);

impl Problems {
    fn check(&mut self, right: bool, key: &str, otherwise: &str) {
        if !right {
            self.0.push(format!("{key} {otherwise}"));
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "ranges are written in place by every caller")]
    fn range<T: PartialOrd + std::fmt::Display>(&mut self, value: T, allowed: RangeInclusive<T>, key: &str) {
        if !allowed.contains(&value) {
            self.0.push(format!("{key} must be from {} to {}, not {value}", allowed.start(), allowed.end()));
        }
    }
}

fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
}
