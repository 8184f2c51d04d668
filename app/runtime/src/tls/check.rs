//! What can be refused before anything is touched.

use std::path::Path;

use anyhow::Result;
use platform::config::{Http, Tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::{Host, Url};

use super::names::could_be_top_level;
use crate::usage::usage;

/// Suffixes of names that no public authority certifies.
const NOT_PUBLIC: [&str; 8] =
    ["localhost", "local", "lan", "internal", "home.arpa", "test", "invalid", "localdomain"];

/// Refuses what contradicts itself, and names that cannot have such a certificate.
pub(crate) fn check(http: &Http) -> Result<()> {
    match http.tls {
        Tls::Off if http.plain_listen.as_deref().is_some_and(|plain| plain != "off") => Err(usage(
            "http.plain_listen is set, but without TLS (http.tls = off) there is nothing that it could lead to. Remove \
             it, or choose --tls self or --tls acme.",
        )),
        Tls::Off => Ok(()),
        Tls::SelfSigned => own(http),
        Tls::Acme => public(http),
    }
}

fn own(http: &Http) -> Result<()> {
    let Some(url) = &http.public_url else { return Ok(()) };
    match parse("--tls self", url)?.host() {
        Some(Host::Domain(name)) if could_be_top_level(name) => Err(usage(format!(
            "http.public_url is {url}, but a name of one word could be a top-level domain, and phones are not asked to \
             trust an authority for all of .{name}. Use {name}.local, a name of the router's domain, or the address."
        ))),
        _ => Ok(()),
    }
}

fn public(http: &Http) -> Result<()> {
    let Some(url) = &http.public_url else {
        return Err(usage(
            "--tls acme (http.tls) needs the public name that the certificate is for: set PUBLIC_URL (http.public_url), \
             for example https://deliver.example.org",
        ));
    };
    let parsed = parse("--tls acme", url)?;
    let name = match parsed.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.'),
        _ => "",
    };
    let local = NOT_PUBLIC.iter().any(|suffix| name.ends_with(&format!(".{suffix}")));
    if !name.contains('.') || local {
        return Err(usage(format!(
            "--tls acme needs a name in the public DNS, and http.public_url is {url}. In a network of your own use --tls \
             self."
        )));
    }
    Ok(())
}

fn parse(flag: &str, url: &str) -> Result<Url> {
    let parsed = Url::parse(url).map_err(|error| usage(format!("http.public_url: {error}")))?;
    if parsed.scheme() == "https" {
        return Ok(parsed);
    }
    Err(usage(format!("http.public_url is {url}, but with {flag} people come by https://. Write it so.")))
}

/// Refuses a file for the directory's own TLS that cannot be used.
pub(super) fn root(file: Option<&Path>) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    match CertificateDer::from_pem_file(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(usage(format!(
            "http.acme_root: {} holds no certificate (PEM) that can be read: {error}",
            file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(tls: Tls, url: Option<&str>) -> Option<String> {
        let http = Http { tls, public_url: url.map(str::to_owned), ..Http::default() };
        check(&http).err().map(|error| error.to_string())
    }

    #[test]
    fn a_public_authority_certifies_public_names_only() {
        for url in [
            None,
            Some("http://deliver.example.org"),
            Some("https://192.168.1.20"),
            Some("https://[2001:db8::1]"),
            Some("https://localhost"),
            Some("https://shop"),
            Some("https://shop.local:8443"),
            Some("https://till.lan"),
        ] {
            assert!(refusal(Tls::Acme, url).is_some(), "{url:?}");
        }
        assert_eq!(refusal(Tls::Acme, Some("https://deliver.example.org/")), None);
    }

    #[test]
    fn the_own_authority_takes_whatever_is_not_a_top_level_domain() {
        for url in ["http://shop.local", "https://shop", "https://xn--p1ai"] {
            assert!(refusal(Tls::SelfSigned, Some(url)).is_some(), "{url:?}");
        }
        for url in [
            None,
            Some("https://shop-pc:8080"),
            Some("https://192.168.1.20"),
            Some("https://deliver.example.org"),
        ] {
            assert_eq!(refusal(Tls::SelfSigned, url), None, "{url:?}");
        }
        assert_eq!(refusal(Tls::Off, Some("http://shop")), None);
    }

    #[test]
    fn a_port_that_leads_nowhere_is_refused() {
        let http = |plain: &str| Http { plain_listen: Some(plain.to_owned()), ..Http::default() };
        assert!(check(&http("0.0.0.0:80")).is_err());
        assert!(check(&http("off")).is_ok());
    }
}
