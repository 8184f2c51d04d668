//! Section `http`: how DropMate is reached.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, is_web};

/// No plain port.
const PLAIN_OFF: &str = "off";

/// Who ends TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// A proxy in front, or nobody on a loopback address.
    Off,
    /// A certificate of the installation's own authority.
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
    /// Who ends TLS: `off` (a proxy in front does), `self` (DropMate, with a certificate of the installation's own
    /// authority), `acme` (DropMate, with a certificate from Let's Encrypt or another ACME authority).
    pub tls: Tls,
    /// Address and port without TLS that only lead to the right one: with `self` a page on which phones learn to trust
    /// the authority, otherwise redirects. `off`: none. Not set: with `self` the port after that of `listen` (with 443:
    /// 80), otherwise none.
    pub plain_listen: Option<String>,
    /// E-mail address that the ACME authority may write to.
    pub acme_contact: Option<String>,
    /// Directory of the ACME authority. For trials:
    /// `https://acme-staging-v02.api.letsencrypt.org/directory` (its certificates are not trusted by browsers).
    pub acme_directory: String,
    /// File with the certificate (PEM) of the authority behind the directory's own TLS, when it is a private one.
    pub acme_root: Option<String>,
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
            plain_listen: None,
            acme_contact: None,
            acme_directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            acme_root: None,
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
    /// Where plain HTTP leads to HTTPS, if anywhere.
    pub fn plain_address(&self) -> Option<SocketAddr> {
        let listen: SocketAddr = self.listen.parse().ok()?;
        match (&self.plain_listen, self.tls) {
            (_, Tls::Off) | (None, Tls::Acme) => None,
            (Some(chosen), _) => chosen.parse().ok(),
            (None, Tls::SelfSigned) => {
                let port = match listen.port() {
                    // Any free one.
                    0 => 0,
                    443 => 80,
                    port => port.checked_add(1).unwrap_or(port - 1),
                };
                Some(SocketAddr::new(listen.ip(), port))
            }
        }
    }

    pub(super) fn validate(&self, p: &mut Problems) {
        p.check(
            self.listen.parse::<SocketAddr>().is_ok(),
            "http.listen",
            "is not an address and port, like 127.0.0.1:8080",
        );
        if let Some(url) = &self.public_url {
            p.check(is_web(url), "http.public_url", "must begin with http:// or https:// and name a host");
        }
        if let Some(plain) = &self.plain_listen {
            p.check(
                plain == PLAIN_OFF || plain.parse::<SocketAddr>().is_ok(),
                "http.plain_listen",
                "is neither `off` nor an address and port, like 0.0.0.0:8081",
            );
            p.check(
                plain != &self.listen || plain.ends_with(":0"),
                "http.plain_listen",
                "must not be the address of http.listen",
            );
        }
        if let Some(contact) = &self.acme_contact {
            p.check(
                contact.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')),
                "http.acme_contact",
                "is not an e-mail address, like ada@example.org",
            );
        }
        p.check(
            self.acme_directory.starts_with("https://") && is_web(&self.acme_directory),
            "http.acme_directory",
            "must begin with https:// and name a host",
        );
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_port_follows_the_other_one_unless_it_is_chosen() {
        let plain = |listen: &str, chosen: Option<&str>, tls| {
            let http = Http {
                listen: listen.to_owned(),
                plain_listen: chosen.map(str::to_owned),
                tls,
                ..Http::default()
            };
            http.plain_address().map(|address| address.to_string())
        };
        for (listen, chosen, tls, expected) in [
            ("127.0.0.1:8080", None, Tls::SelfSigned, Some("127.0.0.1:8081")),
            ("0.0.0.0:443", None, Tls::SelfSigned, Some("0.0.0.0:80")),
            ("[::]:65535", None, Tls::SelfSigned, Some("[::]:65534")),
            ("127.0.0.1:0", None, Tls::SelfSigned, Some("127.0.0.1:0")),
            ("0.0.0.0:443", Some("0.0.0.0:8000"), Tls::SelfSigned, Some("0.0.0.0:8000")),
            ("0.0.0.0:443", Some("off"), Tls::SelfSigned, None),
            ("0.0.0.0:443", None, Tls::Acme, None),
            ("0.0.0.0:443", Some("0.0.0.0:80"), Tls::Acme, Some("0.0.0.0:80")),
            ("127.0.0.1:8080", Some("0.0.0.0:80"), Tls::Off, None),
        ] {
            assert_eq!(plain(listen, chosen, tls).as_deref(), expected, "{listen} {chosen:?} {tls:?}");
        }
    }
}
