//! What a server must be like (reliability page 3b), asked at every start: a broker that loses what it has confirmed, or that
//! anybody may write to, is worse than none.

use std::time::Duration;

use async_nats::ConnectErrorKind;
use serde::Deserialize;

use crate::address::Address;
use crate::error::{Error, Result};

/// The oldest server: earlier ones lose or repeat messages in ways that were repaired since.
const OLDEST: (i64, i64, i64) = (2, 14, 0);
const PATIENCE: Duration = Duration::from_secs(3);

/// Refuses a server that is too old or carries no streams.
pub(crate) fn check_server(client: &async_nats::Client) -> Result<()> {
    let Some(server) = client.try_server_info() else {
        return Err(Error::away("it has not said who it is yet"));
    };
    if !client.is_server_compatible(OLDEST.0, OLDEST.1, OLDEST.2) {
        return Err(Error::refused(format!(
            "the NATS server is {}, but DropMate needs 2.14 or newer: upgrade it, or remove NATS_URL",
            server.version
        )));
    }
    if !server.jetstream {
        return Err(Error::refused(
            "the NATS server runs without JetStream: give it a jetstream block with a store_dir and sync_interval: always",
        ));
    }
    Ok(())
}

/// Refuses a server that lets in whoever comes (no authorization, or a `no_auth_user`).
pub(crate) async fn check_stranger(address: &Address) -> Result<()> {
    match address.connect_as_stranger().await {
        Ok(client) => {
            client.drain().await.ok();
            Err(Error::refused(
                "the NATS server lets anybody in: require a login (authorization, accounts) and remove no_auth_user",
            ))
        }
        Err(error) => match error.kind() {
            ConnectErrorKind::Io | ConnectErrorKind::TimedOut | ConnectErrorKind::Dns => {
                Err(Error::away(error))
            }
            _refused => Ok(()),
        },
    }
}

/// What the monitoring port says of the server's disk.
#[derive(Debug, Deserialize)]
struct Varz {
    #[serde(default)]
    jetstream: Streams,
}

#[derive(Debug, Default, Deserialize)]
struct Streams {
    #[serde(default)]
    config: Disk,
}

#[derive(Debug, Default, Deserialize)]
struct Disk {
    #[serde(default)]
    sync_always: bool,
}

/// Refuses a server that confirms before it has written to the disk. Only the monitoring port tells (`/varz`).
#[expect(
    clippy::disallowed_methods,
    reason = "one request to an address of the operator's own settings, with a deadline and without redirects"
)]
pub(crate) async fn check_disk(monitoring: &str) -> Result<()> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(Error::away)?;
    let url = format!("{}/varz", monitoring.trim_end_matches('/'));
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let varz: Varz = answer.map_err(Error::away)?.json().await.map_err(Error::away)?;
    judge(&varz)
}

fn judge(varz: &Varz) -> Result<()> {
    if varz.jetstream.config.sync_always {
        return Ok(());
    }
    Err(Error::refused(
        "the NATS server confirms messages before they are on its disk: set `sync_interval: always` in its jetstream block",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_sync_is_refused() {
        let said = |json: &str| judge(&serde_json::from_str(json).unwrap());
        assert!(
            said(r#"{"jetstream":{"config":{"sync_interval":120000000000,"sync_always":true}}}"#).is_ok()
        );
        for lax in [r#"{"jetstream":{"config":{"sync_interval":120000000000}}}"#, "{}"] {
            assert!(matches!(said(lax), Err(Error::Refused(_))), "{lax}");
        }
    }
}
