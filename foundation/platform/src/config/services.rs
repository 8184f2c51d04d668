//! Sections `services` and `roles`: what processes of a split installation need to know of each other, and what not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Where the services in other processes are, by name (`identity = "http://10.0.0.7:7001"`).
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Services {
    /// Scheme, host and port, without a path.
    pub addresses: BTreeMap<String, String>,
}

/// The password of single database roles, by service name (or `system`), for a process that must not know those of the
/// others. Where one is not set, it is derived from `database.role_secret`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Roles {
    /// Passwords as `dropmate role-password` prints them.
    pub passwords: BTreeMap<String, Secret>,
}

impl Services {
    pub(super) fn validate(&self, p: &mut Problems) {
        for (name, url) in &self.addresses {
            p.check(
                authority(url).is_some(),
                &format!("services.{name}"),
                "must be http://, a host and a port, without a path, like http://10.0.0.7:7001",
            );
        }
    }

    /// Host and port of a service, if its address is known.
    pub fn authority(&self, service: &str) -> Option<http::uri::Authority> {
        authority(self.addresses.get(service)?)
    }
}

fn authority(url: &str) -> Option<http::uri::Authority> {
    let rest = url.strip_prefix("http://")?;
    let authority: http::uri::Authority = rest.strip_suffix('/').unwrap_or(rest).parse().ok()?;
    let plain = authority.port_u16().is_some() && !authority.as_str().contains('@');
    plain.then_some(authority)
}

impl Roles {
    pub(super) fn validate(&self, p: &mut Problems) {
        for (name, password) in &self.passwords {
            let hexadecimal = password.expose().bytes().all(|byte| byte.is_ascii_hexdigit());
            p.check(
                password.expose().len() == 64 && hexadecimal,
                &format!("roles.{name}"),
                "is not a password as `dropmate role-password` prints it",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for right in ["http://127.0.0.1:7001", "http://identity:80/", "http://[::1]:7001"] {
            assert!(authority(right).is_some(), "{right}");
        }
        for wrong in [
            "",
            "127.0.0.1:7001",
            "http://identity",
            "https://identity:443",
            "http://a:1/x",
            "http://u:p@a:1",
        ] {
            assert!(authority(wrong).is_none(), "{wrong}");
        }
    }
}
