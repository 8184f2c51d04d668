//! A server that would lose events or let strangers in is refused with what to do.

use nats::{Broker, Error, Options};
use platform::db::Wake;
use testkit::NatsServer;
use testkit::nats::Flaw;

use crate::support::options;

async fn refusal(options: Options) -> String {
    match Broker::open(options, Wake::default()).await.unwrap_err() {
        Error::Refused(why) => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_server_that_is_set_wrongly_is_refused() {
    for (flaw, hint) in [
        (Flaw::LaxDisk, "sync_interval: always"),
        (Flaw::Anonymous, "no_auth_user"),
        (Flaw::NoStreams, "jetstream block"),
    ] {
        let server = NatsServer::start_flawed(Some(flaw)).unwrap();
        let why = refusal(options(&server, "dropmate")).await;
        assert!(why.contains(hint), "{flaw:?}: {why}");
    }
}

#[tokio::test]
async fn a_wrong_login_is_refused() {
    let server = NatsServer::start().unwrap();
    let url = server.url().replace("a-password-of-tests", "another");
    let why = refusal(Options { url: url.into(), ..options(&server, "dropmate") }).await;
    assert!(why.contains("NATS_URL") && !why.contains("another"), "{why}");
}

#[tokio::test]
async fn a_server_that_is_away_stops_nobody() {
    let mut server = NatsServer::start().unwrap();
    server.kill();
    Broker::open(options(&server, "dropmate"), Wake::default()).await.unwrap();
}
