//! What passkeys are bound to: the name under which people reach the installation. The same name must be typed for ever:
//! a device answers only pages of the name for which it made its key.

use platform::{Error, Kind, Result};
use webauthn_rs::prelude::{Url, Webauthn, WebauthnBuilder};

/// The relying party (Web Authentication, section 4), or why there is none.
#[derive(Clone)]
pub enum RelyingParty {
    /// Bound to a name.
    Named(Webauthn),
    /// The public address is no name.
    Nameless,
}

impl std::fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RelyingParty")
    }
}

impl RelyingParty {
    /// For a public address. A loopback address counts as `localhost`, which browsers trust without TLS; any other IP
    /// address is no name.
    pub fn of(public_url: &str) -> Self {
        origin(public_url).map_or(Self::Nameless, Self::Named)
    }

    /// The library, or a refusal that says what to do.
    pub fn get(&self) -> Result<&Webauthn> {
        match self {
            Self::Named(webauthn) => Ok(webauthn),
            Self::Nameless => Err(Error::new(
                Kind::Conflict,
                "passkeys_need_a_name",
                "Passkeys belong to a name, and this installation is reached at an IP address. Set http.public_url to an \
                 https address with a name, or use http://localhost on the machine itself.",
            )),
        }
    }
}

fn origin(public_url: &str) -> Option<Webauthn> {
    let mut origin = Url::parse(public_url).ok()?;
    let loopback = match origin.host()? {
        url::Host::Domain(_) => false,
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
    };
    if loopback {
        origin.set_host(Some("localhost")).ok()?;
    }
    let name = origin.domain()?.to_owned();
    let builder = WebauthnBuilder::new(&name, &origin).ok()?;
    builder.rp_name("DropMate").build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(public_url: &str) -> Option<String> {
        let party = RelyingParty::of(public_url);
        party.get().ok().map(|webauthn| webauthn.get_allowed_origins()[0].to_string())
    }

    #[test]
    fn passkeys_belong_to_a_name() {
        assert_eq!(allowed("https://dropmate.test").as_deref(), Some("https://dropmate.test/"));
        assert_eq!(allowed("https://go.example.org:8443").as_deref(), Some("https://go.example.org:8443/"));
        for loopback in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"] {
            assert_eq!(allowed(loopback).as_deref(), Some("http://localhost:8080/"));
        }
        for nameless in ["http://192.168.1.20:8080", "https://[2001:db8::1]", "", "nonsense"] {
            assert_eq!(allowed(nameless), None, "{nameless}");
        }
        assert_eq!(RelyingParty::Nameless.get().unwrap_err().code(), "passkeys_need_a_name");
    }
}
