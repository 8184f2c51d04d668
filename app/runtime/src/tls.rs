//! Ending TLS in this process (`http.tls`).
//!
//! | kind | what people are shown | what this machine is shown |
//! |---|---|---|
//! | `self` | a certificate of the local authority ([`local`]) | the same |
//! | `acme` | a certificate of a public authority ([`public`]) | one of the local authority, for `localhost` only |
//!
//! So commands beside the process trust the local authority in both cases, also before the first certificate was issued.
//! In a split installation only the process with the gateway ends TLS.

mod addresses;
mod authority;
mod check;
mod kept;
mod local;
mod names;
mod public;
mod slot;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use acme::Directory;
use anyhow::{Context as _, Result};
use gateway::phones::Door;
use gateway::{Phones, Trust};
use kernel::random::Random;
use kernel::time::SharedClock;
use platform::config;
use platform::http::server::tls::{CHALLENGE, Choose, HTTP, handshake};
use platform::http::server::{Endpoint, Handshake};
use platform::lifecycle::Lifecycle;
use rustls::ServerConfig;
use rustls::server::ClientHello;
use tokio::net::TcpListener;

use crate::settings::Settings;
use crate::usage::usage;
use authority::Authority;
use kept::Kept;
use local::Local;
use names::Names;
use public::Public;

use addresses::{of_this_machine, reached_at, to_go_to};
pub(crate) use authority::PUBLIC_FILE;
pub(crate) use check::check;

/// The sockets of a process, bound before anything else is touched.
pub(crate) struct Sockets {
    pub main: TcpListener,
    pub address: SocketAddr,
    plain: Option<(TcpListener, SocketAddr)>,
}

impl Sockets {
    /// Takes the addresses. A process that does not end TLS has one.
    pub async fn listen(settings: &Settings, ends_tls: bool) -> Result<Self> {
        let http = &settings.config().http;
        let wanted = &http.listen;
        if ends_tls && http.tls == config::Tls::Acme {
            check::root(http.acme_root.as_ref().map(Path::new))?;
        }
        let main = TcpListener::bind(wanted.as_str()).await.with_context(|| {
            format!("cannot listen on {wanted}. Stop what uses that address, or choose another with --listen")
        })?;
        let address = main.local_addr()?;
        let plain = match http.plain_address().filter(|_| ends_tls) {
            None => None,
            Some(wanted) => {
                let listener = TcpListener::bind(wanted).await.with_context(|| {
                    format!(
                        "cannot listen on {wanted}, where phones without TLS are led on. Stop what uses that address, or \
                         choose another with --plain-listen ({}:PORT, or `off`)",
                        wanted.ip()
                    )
                })?;
                let address = listener.local_addr()?;
                Some((listener, address))
            }
        };
        Ok(Self { main, address, plain })
    }
}

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The local authority and its page for phones.
    pub trust: Arc<Trust>,
    /// Further addresses of this machine under which it is reached.
    pub others: Vec<String>,
    /// Why no other machine reaches it, if none does.
    pub alone: Option<&'static str>,
}

/// TLS of a process that ends it.
pub(crate) struct Tls {
    door: Door,
    handshake: Handshake,
    local: Arc<Local>,
    public: Option<Arc<Public>>,
    facts: Option<Facts>,
}

/// What it is made from.
pub(crate) struct Parts<'a> {
    pub settings: &'a Settings,
    pub sockets: &'a Sockets,
    pub public_url: &'a str,
    pub clock: &'a SharedClock,
    pub random: &'a Random,
}

impl Tls {
    /// Makes or reads the authority and the certificate; `None` when somebody else ends TLS.
    pub fn open(parts: &Parts<'_>) -> Result<Option<Self>> {
        match parts.settings.config().http.tls {
            config::Tls::Off => Ok(None),
            config::Tls::SelfSigned => parts.with_own_authority().map(Some),
            config::Tls::Acme => parts.with_acme().map(Some),
        }
    }

    /// What people are told at the start.
    pub fn facts(&self) -> Option<Facts> {
        self.facts.clone()
    }

    /// What the pages show.
    pub fn trust(&self) -> Option<Arc<Trust>> {
        self.door.trust.clone()
    }

    /// Keeps certificates fresh and opens the port without TLS.
    pub fn start(&self, lifecycle: &Lifecycle, sockets: Sockets) -> Endpoint {
        Arc::clone(&self.local).start(lifecycle);
        if let Some(public) = &self.public {
            Arc::clone(public).start(lifecycle);
        }
        if let Some((listener, address)) = sockets.plain {
            tracing::info!(%address, "plain HTTP leads to HTTPS");
            crate::boot::serve(
                lifecycle,
                "HTTP server without TLS",
                Endpoint::plain(listener),
                self.door.clone().router(),
            );
        }
        Endpoint { listener: sockets.main, handshake: Some(Arc::clone(&self.handshake)) }
    }
}

impl Parts<'_> {
    fn with_own_authority(&self) -> Result<Tls> {
        let lan = of_this_machine();
        let host = hostname();
        let public_host = host_of(self.public_url);
        let always = Names::beside()
            .with_machine(&host)
            .with_host(&public_host)
            .with_addresses([self.sockets.address.ip()]);
        let local = self.local(&host, always, true, &lan)?;
        if !local.covers(public_host.trim_start_matches('[').trim_end_matches(']')) {
            return Err(usage(format!(
                "http.public_url leads to {public_host}, for which the local authority in {} may not vouch: it was made \
                 before for another host. Next: stop DropMate, move that folder away and start again; phones must then \
                 trust the new authority.",
                self.settings.place.tls().display()
            )));
        }
        let trust = Arc::new(Trust {
            name: local.authority().name().to_owned(),
            certificate: local.authority().certificate().to_vec(),
            fingerprint: local.authority().fingerprint(),
            page: self.sockets.plain.as_ref().map(|(_, at)| origin("http", &public_host, at.port())),
        });
        let (port, listen) = (self.sockets.address.port(), self.sockets.address.ip());
        let others = reached_at(listen, &lan).into_iter().map(host_text);
        let others = others.filter(|host| *host != public_host).map(|host| origin("https", &host, port));
        let alone = is_loopback(&public_host).then_some(if listen.is_unspecified() {
            "No address of a network was found on this machine: is it connected?"
        } else {
            "Only this machine reaches it; --lan opens it to the network."
        });
        let facts = Facts { trust: Arc::clone(&trust), others: others.collect(), alone };
        let covering = Arc::clone(&local);
        let door = Door {
            app: self.public_url.to_owned(),
            port,
            covers: Arc::new(move |host| covering.covers(host)),
            trust: Some(trust),
        };
        let chooser = Chooser { local: local.slot().config(&HTTP)?, public: None };
        let handshake = handshake(Arc::new(chooser), Door { trust: None, ..door.clone() }.router());
        Ok(Tls { door, handshake, local, public: None, facts: Some(facts) })
    }

    fn with_acme(&self) -> Result<Tls> {
        let always = Names::beside().with_addresses([self.sockets.address.ip()]);
        let local = self.local(&hostname(), always, false, &[])?;
        let http = &self.settings.config().http;
        let directory = Directory {
            url: http.acme_directory.clone(),
            root: http.acme_root.as_ref().map(Into::into),
            contact: http.acme_contact.clone(),
        };
        let host = host_of(self.public_url);
        let kept = Kept::new(&self.settings.place.tls(), &directory.url, &host);
        let public = Arc::new(Public::open(host, directory, kept, Arc::clone(self.clock))?);
        let door = Door {
            app: self.public_url.to_owned(),
            port: self.sockets.address.port(),
            // There is one name, and that is in the address.
            covers: Arc::new(|_host| false),
            trust: None,
        };
        let chooser = Chooser {
            local: local.slot().config(&HTTP)?,
            public: Some((public.slot().config(&HTTP)?, public.proof().config(&[CHALLENGE])?)),
        };
        let handshake = handshake(Arc::new(chooser), door.clone().router());
        Ok(Tls { door, handshake, local, public: Some(public), facts: None })
    }

    /// The local authority with its first certificate.
    fn local(&self, host: &str, always: Names, with_addresses: bool, lan: &[IpAddr]) -> Result<Arc<Local>> {
        let vouched = always.clone().with_machine(host).with_addresses(lan.iter().copied());
        let folder = self.settings.place.tls();
        let authority = Authority::load_or_make(&folder, host, &vouched, self.clock.now(), self.random)?;
        let local = Local::new(authority, always, with_addresses, Arc::clone(self.clock));
        local.refresh(lan)?;
        Ok(Arc::new(local))
    }
}

/// Chooses by what the caller asks for, and where it is.
struct Chooser {
    local: Arc<ServerConfig>,
    /// For everybody, and for an authority that looks whether the name leads here.
    public: Option<(Arc<ServerConfig>, Arc<ServerConfig>)>,
}

impl Choose for Chooser {
    fn choose(&self, hello: &ClientHello<'_>, beside: bool) -> Arc<ServerConfig> {
        let Some((public, proof)) = &self.public else { return Arc::clone(&self.local) };
        if hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == CHALLENGE)) {
            return Arc::clone(proof);
        }
        let here = hello.server_name().is_none_or(|name| name.eq_ignore_ascii_case("localhost"));
        Arc::clone(if beside && here { &self.local } else { public })
    }
}

/// What phones are shown, whoever ends TLS.
pub(crate) fn phones(tls: Option<&Tls>, public_url: &str) -> Phones {
    Phones { app: public_url.to_owned(), trust: tls.and_then(Tls::trust) }
}

/// The address that people type when nobody has set one.
pub(crate) fn default_url(settings: &Settings, address: SocketAddr) -> String {
    if settings.config().http.tls != config::Tls::SelfSigned {
        return crate::settings::local_url(&address.to_string(), false);
    }
    origin("https", &host_text(to_go_to(address.ip(), &of_this_machine())), address.port())
}

/// Scheme, host and port, without the port that the scheme means anyway.
pub(crate) fn origin(scheme: &str, host: &str, port: u16) -> String {
    match (scheme, port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{host}:{port}"),
    }
}

/// An address as it stands in another one.
fn host_text(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The host of an address that was checked, as it stands there.
fn host_of(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn hostname() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_leaves_out_the_port_that_goes_without_saying() {
        assert_eq!(origin("https", "shop.local", 443), "https://shop.local");
        assert_eq!(origin("http", "[fd00::1]", 80), "http://[fd00::1]");
        assert_eq!(origin("https", "shop.local", 80), "https://shop.local:80");
        assert_eq!(host_of("https://Shop.Local:8080/"), "shop.local");
        assert_eq!(host_of("https://[fd00::1]:8080"), "[fd00::1]");
        assert!(is_loopback("[::1]") && is_loopback("localhost") && !is_loopback("shop.local"));
    }
}
