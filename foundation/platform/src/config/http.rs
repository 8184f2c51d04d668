//! Section `http`: how DropMate is reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, is_web};

/// Who ends TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// A proxy in front, or nobody on a loopback address.
    Off,
    /// A self-signed certificate.
    #[serde(rename = "self")]
    SelfSigned,
    /// A certificate from an ACME authority.
    Acme,
}

/// How DropMate is reached.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port to listen on.
    pub listen: String,
    /// The address that people type, for links in messages (`https://deliver.example.org`). Short name: `PUBLIC_URL`.
    pub public_url: Option<String>,
    /// Who ends TLS: `off` (a proxy in front does), `self` (a self-signed certificate), `acme` (Let's Encrypt).
    pub tls: Tls,
    /// Origins of other sites that may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Addresses or networks whose `Forwarded` and `X-Forwarded-For` are believed.
    pub trusted_proxies: Vec<String>,
    /// Largest request body, except uploads of files.
    pub body_limit_bytes: u64,
    /// A request that takes longer is answered with 503.
    pub request_timeout_s: u32,
    /// While stopping: how long to be not ready before new connections are refused, for load balancers to notice.
    pub drain_wait_s: u32,
    /// Whether answers are compressed.
    pub compression: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
            tls: Tls::Off,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            body_limit_bytes: 1024 * 1024,
            request_timeout_s: 30,
            drain_wait_s: 5,
            compression: true,
        }
    }
}

impl Http {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.check(
            self.listen.parse::<std::net::SocketAddr>().is_ok(),
            "http.listen",
            "is not an address and port, like 127.0.0.1:8080",
        );
        if let Some(url) = &self.public_url {
            p.check(is_web(url), "http.public_url", "must begin with http:// or https:// and name a host");
        }
        for origin in &self.cors_origins {
            p.check(
                is_web(origin) && !origin.ends_with('/'),
                "http.cors_origins",
                "holds origins, like https://shop.example.org (no path, no final slash)",
            );
        }
        p.range(self.body_limit_bytes, 1024..=1024 * 1024 * 1024, "http.body_limit_bytes");
        p.range(self.request_timeout_s, 1..=600, "http.request_timeout_s");
        p.range(self.drain_wait_s, 0..=300, "http.drain_wait_s");
    }
}
