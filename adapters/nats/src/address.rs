//! `nats://user:password@host:4222`, several separated by commas, or `tls://`. A name without a password is a token.

use std::str::FromStr as _;
use std::time::Duration;

use async_nats::{ConnectOptions, Event, ServerAddr};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// How long to wait for a connection, and for an answer to a request.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest pause between two attempts to come back.
const RECONNECT: Duration = Duration::from_secs(1);

/// Where the servers are and who connects.
#[derive(Debug)]
pub(crate) struct Address {
    servers: Vec<ServerAddr>,
    login: Login,
    tls: bool,
}

#[derive(Debug)]
enum Login {
    Nobody,
    Token(SecretString),
    User(String, SecretString),
}

impl Address {
    pub(crate) fn parse(url: &SecretString) -> Result<Self> {
        let wrong =
            |_| Error::refused("bus.nats_url (NATS_URL) must look like nats://user:password@host:4222");
        let mut servers = Vec::new();
        let (mut login, mut tls) = (Login::Nobody, false);
        for one in url.expose_secret().split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let address = ServerAddr::from_str(one).map_err(wrong)?;
            tls |= address.tls_required();
            if matches!(login, Login::Nobody) {
                login = Login::of(&address);
            }
            // Without the login: it must not appear in what the client logs.
            let plain = format!("{}://{}:{}", address.scheme(), bracketed(address.host()), address.port());
            servers.push(ServerAddr::from_str(&plain).map_err(wrong)?);
        }
        if servers.is_empty() {
            return Err(Error::refused("bus.nats_url (NATS_URL) names no server"));
        }
        Ok(Self { servers, login, tls })
    }

    /// With the login. `losses` counts how often the connection was lost.
    pub(crate) async fn connect(
        &self,
        losses: watch::Sender<u64>,
    ) -> Result<async_nats::Client, async_nats::ConnectError> {
        let options = self.options().event_callback(move |event| {
            tracing::debug!(%event, "broker connection");
            if matches!(event, Event::Disconnected | Event::Closed) {
                losses.send_modify(|count| *count += 1);
            }
            std::future::ready(())
        });
        let options = match &self.login {
            Login::Nobody => options,
            Login::Token(token) => options.token(token.expose_secret().to_owned()),
            Login::User(user, password) => {
                options.user_and_password(user.clone(), password.expose_secret().to_owned())
            }
        };
        options.connect(self.servers.clone()).await
    }

    /// As somebody who has no login.
    pub(crate) async fn connect_as_stranger(&self) -> Result<async_nats::Client, async_nats::ConnectError> {
        self.options().max_reconnects(1).connect(self.servers.clone()).await
    }

    fn options(&self) -> ConnectOptions {
        ConnectOptions::new()
            .name("dropmate")
            .require_tls(self.tls)
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(|attempts| {
                RECONNECT.min(Duration::from_millis(50) * u32::try_from(attempts).unwrap_or(u32::MAX))
            })
    }
}

impl Login {
    fn of(address: &ServerAddr) -> Self {
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        match (address.username().filter(|name| !name.is_empty()), address.password()) {
            (Some(user), Some(password)) => Self::User(plain(user), plain(password).into()),
            (Some(token), None) => Self::Token(plain(token).into()),
            _ => Self::Nobody,
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address> {
        Address::parse(&text.to_owned().into())
    }

    #[test]
    fn a_login_is_taken_out_of_the_address() {
        let address = parse("nats://drop%40mate:p%3Aw@one:4222, nats://two:4223").unwrap();
        let Login::User(user, password) = &address.login else { panic!("{address:?}") };
        assert_eq!((user.as_str(), password.expose_secret()), ("drop@mate", "p:w"));
        let hosts: Vec<_> =
            address.servers.iter().map(|one| format!("{}:{}", one.host(), one.port())).collect();
        assert_eq!(hosts, ["one:4222", "two:4223"]);
        assert!(!format!("{address:?}").contains("p:w"), "it is not shown");
    }

    #[test]
    fn a_name_alone_is_a_token() {
        assert!(matches!(
            parse("tls://s3cret@one").unwrap(),
            Address { login: Login::Token(_), tls: true, .. }
        ));
        assert!(matches!(parse("nats://one").unwrap().login, Login::Nobody));
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for wrong in ["", "http://pw@one", "nats://"] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.contains("NATS_URL"), "{wrong}: {error}");
        }
    }
}
