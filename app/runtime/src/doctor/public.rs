//! The address that people type, asked the way a browser asks it: does it lead here, is its certificate accepted, does a
//! WebSocket get through whatever stands in between.

use std::time::Duration;

use jiff::Timestamp;
use platform::clock::SystemClock;
use reqwest::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{Certificate, Client, StatusCode};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Finding;
use crate::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(8);
/// Renewal begins a third of the lifetime before the end: 30 days of Let's Encrypt's 90. Later than this it has failed often.
const SOON_DAYS: i64 = 14;
/// The example of RFC 6455, section 1.3: a key, and the one right answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The public address, its TLS, and a WebSocket through it.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    const WHAT: &str = "public address";
    let url = settings.public_url();
    let client = match client(settings, false) {
        Ok(client) => client,
        Err(error) => return vec![Finding::broken(WHAT, error.to_string(), "see what it says")],
    };
    let Ok(here) = keys(&client, &settings.local_url(None)).await else {
        return vec![Finding::fine(
            WHAT,
            format!("{url}; DropMate is not running here: start it and look again"),
        )];
    };
    match keys(&client, &url).await {
        Ok(there) if there == here => {}
        Ok(_) => {
            return vec![Finding::broken(
                WHAT,
                format!("{url} leads to something else than this installation"),
                "look at the DNS entry and at the proxy; http.public_url must be what people type",
            )];
        }
        Err(why) => {
            return vec![Finding::broken(
                WHAT,
                format!("{url} cannot be reached from here: {why}"),
                "look at the DNS entry, the firewall and the proxy; a router may not lead its own address back inside",
            )];
        }
    }
    vec![
        Finding::fine(WHAT, format!("{url} leads here")),
        tls(settings, &client, &url).await,
        websocket(settings, &url).await,
    ]
}

/// `http1`: an upgrade is a matter of HTTP/1.1.
#[expect(
    clippy::disallowed_methods,
    reason = "single requests with a deadline of their own, outside any trace"
)]
fn client(settings: &Settings, http1: bool) -> reqwest::Result<Client> {
    let mut builder = Client::builder().timeout(PATIENCE).no_proxy().tls_info(true);
    if http1 {
        builder = builder.http1_only();
    }
    // Phones that were set up trust the authority in the data folder beside those of the machine.
    if let Some(authority) = settings.local_authority() {
        builder = builder.tls_certs_merge([Certificate::from_pem(&authority)?]);
    }
    builder.build()
}

/// The published keys: no other installation has the same.
async fn keys(client: &Client, base: &str) -> Result<String, String> {
    let answer =
        client.get(format!("{base}/.well-known/jwks.json")).send().await.map_err(|error| why(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(format!("it answers {}", answer.status()));
    }
    answer.text().await.map_err(|error| why(&error))
}

/// The innermost reason is what helps; the outer ones repeat the address.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

async fn tls(settings: &Settings, client: &Client, url: &str) -> Finding {
    const WHAT: &str = "TLS";
    if url.starts_with("http://") {
        return if is_this_machine(url) {
            Finding::fine(WHAT, "none; only this machine can come here")
        } else {
            Finding::warning(
                WHAT,
                format!(
                    "{url} is not encrypted: phones share no position there, and passwords can be read on the way"
                ),
                "--tls self in a network of your own, --tls acme with a public name, or a proxy that ends TLS \
                 (docs/operating/tls.md)",
            )
        };
    }
    let left = match client.get(format!("{url}/healthz")).send().await {
        Ok(answer) => answer.extensions().get::<reqwest::tls::TlsInfo>().and_then(|info| {
            let (_, certificate) = X509Certificate::from_der(info.peer_certificate()?).ok()?;
            let ends = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
            Some(ends.duration_since(kernel::time::Clock::now(&SystemClock)).as_hours() / 24)
        }),
        Err(error) => return Finding::broken(WHAT, why(&error), "docs/operating/tls.md"),
    };
    let whose =
        if settings.local_authority().is_some() { "by the authority in the data folder" } else { "publicly" };
    match left {
        Some(days) if days < SOON_DAYS => Finding::warning(
            WHAT,
            format!("the certificate ends in {days} days"),
            "it should have been renewed by now: look for `certificate` in the log, or at the proxy",
        ),
        Some(days) => {
            Finding::fine(WHAT, format!("the certificate is accepted {whose}, for {days} more days"))
        }
        None => Finding::fine(WHAT, format!("the certificate is accepted {whose}")),
    }
}

fn is_this_machine(url: &str) -> bool {
    let parsed = url::Url::parse(url).ok();
    match parsed.as_ref().and_then(url::Url::host) {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

async fn websocket(settings: &Settings, url: &str) -> Finding {
    const WHAT: &str = "WebSocket";
    let fix = "let the proxy pass on `Upgrade` and `Connection` with HTTP/1.1 (docs/operating/tls.md has lines for the usual ones); \
               without it nothing is live";
    let asked = match client(settings, true) {
        Ok(client) => {
            let request = client
                .get(format!("{url}/healthz/websocket"))
                .header(CONNECTION, "Upgrade")
                .header(UPGRADE, "websocket")
                .header(SEC_WEBSOCKET_VERSION, "13")
                .header(SEC_WEBSOCKET_KEY, KEY);
            request.send().await
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(answer)
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS
                && answer.headers().get(SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| accept == ACCEPT) =>
        {
            Finding::fine(WHAT, format!("one opens through {url}"))
        }
        Ok(answer) => {
            Finding::broken(WHAT, format!("none opens through {url}: it answers {}", answer.status()), fix)
        }
        Err(error) => Finding::broken(WHAT, format!("none opens through {url}: {}", why(&error)), fix),
    }
}
